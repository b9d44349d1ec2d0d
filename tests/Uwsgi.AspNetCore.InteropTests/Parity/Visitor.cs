using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Someone who comes through one door, sends requests and keeps everything both sides saw of them.</summary>
internal sealed class Visitor(Door door, ObservationLog log)
{
    private readonly string _visit = log.NewVisit();
    private readonly List<IReadOnlyDictionary<string, string>> _steps = [];

    public Door Door => door;

    /// <summary>Gets what was seen, request by request.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Steps => _steps;

    /// <summary>Sends a request and keeps the response.</summary>
    public async Task<RawResponse> SendAsync(RawRequest request)
    {
        await using var exchange = await OpenAsync(request);
        exchange.Send();
        return await exchange.CompleteAsync();
    }

    /// <summary>Connects for a request without sending anything yet, for a visitor who does something unusual with it.</summary>
    public async Task<Exchange> OpenAsync(RawRequest request)
    {
        var step = _steps.Count + 1;
        var exchange = new Exchange(
            request.With(ObservationLog.VisitHeader, _visit).With(ObservationLog.StepHeader, step.ToString()),
            log.Expect(_visit, step),
            await RawHttpConnection.ConnectAsync(door.EndPoint));
        _steps.Add(exchange.Fields);
        return exchange;
    }
}
