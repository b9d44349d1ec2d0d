namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>What a time limit may be.</summary>
internal static class HarakiriLimits
{
    /// <summary>Gets the longest time; beyond it nobody means a limit, and no clock's ticks overflow up to here.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(100);

    public static bool IsValid(TimeSpan timeout) => timeout > TimeSpan.Zero && timeout <= Longest;

    public static void ThrowIfInvalid(TimeSpan timeout, string parameter)
    {
        if (!IsValid(timeout))
        {
            throw new ArgumentOutOfRangeException(parameter, timeout, "The time must be more than zero and at most a hundred days.");
        }
    }
}
