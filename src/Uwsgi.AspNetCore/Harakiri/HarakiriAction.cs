namespace Uwsgi.AspNetCore;

/// <summary>What happens when too many requests hang for good.</summary>
public enum HarakiriAction
{
    /// <summary>It is logged.</summary>
    Log,

    /// <summary>
    /// The host finishes the other requests and stops with exit code <see cref="UwsgiExitCodes.Harakiri"/>, for a supervisor to start it again.
    /// </summary>
    Stop,
}
