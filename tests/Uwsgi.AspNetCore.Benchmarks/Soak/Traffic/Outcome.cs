namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>How an exchange went.</summary>
internal enum OutcomeKind
{
    /// <summary>The right answer.</summary>
    Right,

    /// <summary>The client has done something that deserves no answer, and got none, or a part of the right one.</summary>
    Provoked,

    /// <summary>The server was restarting, or the web server has closed a kept connection, and nothing of an answer has come.</summary>
    Retried,

    /// <summary>A wrong answer, or a part of the right one.</summary>
    Mismatch,

    /// <summary>No answer.</summary>
    Error,

    /// <summary>No end.</summary>
    Hang,
}

/// <summary>How an exchange went, and what was wrong.</summary>
internal readonly record struct Outcome(OutcomeKind Kind, string Detail = "")
{
    public bool IsFault => Kind >= OutcomeKind.Mismatch;
}
