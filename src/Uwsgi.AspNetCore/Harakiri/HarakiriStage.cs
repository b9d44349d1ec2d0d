namespace Uwsgi.AspNetCore;

/// <summary>How far a request that takes too long has come.</summary>
public enum HarakiriStage
{
    /// <summary>The time is up: <c>RequestAborted</c> is cancelled.</summary>
    Cancelled,

    /// <summary>The application did not react in time: the client got its answer or a cut response, and the connection is closed.</summary>
    Taken,

    /// <summary>Too many requests hang: <see cref="UwsgiOptions.HarakiriAction"/> is taken.</summary>
    Stuck,
}
