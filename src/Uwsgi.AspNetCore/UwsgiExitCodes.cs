namespace Uwsgi.AspNetCore;

/// <summary>Exit codes that ask a supervisor to start the process again; uWSGI's own.</summary>
/// <remarks>For systemd: <c>SuccessExitStatus=17</c>, <c>RestartForceExitStatus=17 31</c>.</remarks>
public static class UwsgiExitCodes
{
    /// <summary>The process has reached a limit of its life, such as <see cref="UwsgiOptions.MaxRequests"/>: 17, uWSGI's reload.</summary>
    public const int Recycle = 17;

    /// <summary>Too many requests hung for good (<see cref="UwsgiOptions.HarakiriMaxStuck"/>): 31, uWSGI's brutal reload.</summary>
    public const int Harakiri = 31;
}
