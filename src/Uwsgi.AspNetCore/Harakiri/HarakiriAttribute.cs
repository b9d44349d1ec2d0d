using Uwsgi.AspNetCore.Harakiri;

namespace Uwsgi.AspNetCore;

/// <summary>Limits how long the requests of an endpoint may take, whatever the options and the mount say.</summary>
/// <remarks>
/// It also holds for WebSockets and server-sent events, which are exempt otherwise. See <see cref="UwsgiOptions.Harakiri"/> for what happens at the
/// deadline. Needs <c>UseUwsgi()</c>, but no option.
/// </remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class HarakiriAttribute : Attribute, IHarakiriMetadata
{
    private readonly TimeSpan _timeout;

    /// <summary>Limits how long the requests of an endpoint may take.</summary>
    /// <param name="seconds">The time in seconds, more than zero and at most a hundred days.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is not more than zero, or more than a hundred days.</exception>
    public HarakiriAttribute(double seconds)
    {
        if (!(seconds > 0) || seconds > HarakiriLimits.Longest.TotalSeconds)
        {
            throw new ArgumentOutOfRangeException(nameof(seconds), seconds, "The time must be more than zero seconds and at most a hundred days.");
        }

        Seconds = seconds;
        _timeout = TimeSpan.FromSeconds(seconds);
    }

    /// <summary>Gets the time in seconds.</summary>
    public double Seconds { get; }

    TimeSpan? IHarakiriMetadata.Timeout => _timeout;
}
