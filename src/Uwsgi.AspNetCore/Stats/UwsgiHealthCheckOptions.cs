namespace Uwsgi.AspNetCore;

/// <summary>The limits of the health check that <c>AddUwsgi()</c> adds.</summary>
public sealed class UwsgiHealthCheckOptions
{
    /// <summary>Gets or sets how many connections may wait to be accepted on one socket.</summary>
    /// <value>
    /// A share of what the socket's queue can hold when it is below 1, else a number of connections; zero or more. The default is 0.75. Linux tells
    /// the queue's length; elsewhere nobody seems to wait.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public double MaxBacklog
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 0.75;

    /// <summary>Gets or sets how many requests that were taken from the application may go on running in it.</summary>
    /// <value>Zero or more; <see langword="null"/>, the default, takes <see cref="UwsgiOptions.HarakiriMaxStuck"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public int? MaxStuck
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value ?? 0, nameof(value));
            field = value;
        }
    }
}
