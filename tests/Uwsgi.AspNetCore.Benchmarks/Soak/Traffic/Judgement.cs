using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>Tells from what came back how an exchange went.</summary>
internal static class Judgement
{
    /// <param name="door">Where the request went.</param>
    /// <param name="generation">The server's when the connection was begun.</param>
    /// <param name="request">The request.</param>
    /// <param name="frame">What came back.</param>
    /// <param name="end">How the connection ended, when it did.</param>
    /// <param name="mayBeCut">Whether the client has given cause to cut the answer.</param>
    public static Outcome Of(Door door, int generation, SoakRequest request, AnswerFrame frame, ConnectionEnd end, bool mayBeCut)
    {
        var hasRestarted = door.Server.HasRestartedSince(generation);
        if (frame.Received == 0)
        {
            return mayBeCut ? new(OutcomeKind.Provoked)
                : request.IsCut ? new(OutcomeKind.Right)
                : hasRestarted ? new(OutcomeKind.Retried)
                : new(OutcomeKind.Error, $"no answer: {end}");
        }

        if (frame.IsRefused && hasRestarted)
        {
            return new(OutcomeKind.Retried);
        }

        if (frame.TryParse(end == ConnectionEnd.Orderly) is not { } answer)
        {
            return mayBeCut || request.IsCut
                ? new(OutcomeKind.Provoked)
                : new(OutcomeKind.Mismatch, $"{frame.Received} bytes without a whole head, then {end}");
        }

        if (door.IsFrontEnd && answer.Response.StatusCode == 502 && (hasRestarted || request.IsCut))
        {
            return new(hasRestarted ? OutcomeKind.Retried : OutcomeKind.Right);
        }

        if (request.FindFault(answer, mayBeCut) is { } fault)
        {
            return new(OutcomeKind.Mismatch, $"{fault}; {frame.Received} bytes, then {end}");
        }

        // The bytes of an answer can be lost to a reset behind them: that they were not is luck.
        return end == ConnectionEnd.Reset && !request.IsCut && request.Status == 200 && !mayBeCut
            ? new(OutcomeKind.Error, $"reset behind a complete answer of {frame.Received} bytes")
            : new(mayBeCut ? OutcomeKind.Provoked : OutcomeKind.Right);
    }
}
