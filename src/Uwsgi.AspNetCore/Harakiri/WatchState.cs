namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>How far a request has come, as the request itself and the watchdog agree on it.</summary>
[Flags]
internal enum WatchFlags
{
    None = 0,

    /// <summary>A request is inside.</summary>
    Inside = 1,

    /// <summary>Its response has begun, or is about to; the answer is the application's.</summary>
    Started = 2,

    /// <summary>Its time is up, and it has been told.</summary>
    Cancelled = 4,

    /// <summary>It was taken from the application; the answer is the watchdog's.</summary>
    Taken = 8,
}

/// <summary>
/// One number: the flags, and above them a count of the requests, so that what the watchdog has decided about one request can never be
/// done to the next one in the same core.
/// </summary>
internal struct WatchState
{
    private const int CountShift = 4;
    private const long FlagMask = (1 << CountShift) - 1;

    private long _value;

    public readonly long Value => Volatile.Read(in _value);

    public static WatchFlags FlagsOf(long value) => (WatchFlags)(value & FlagMask);

    public static bool Has(long value, WatchFlags flag) => (FlagsOf(value) & flag) != WatchFlags.None;

    public static bool IsSameRequest(long left, long right) => left >> CountShift == right >> CountShift;

    /// <summary>Starts a request; nobody else changes the state of a free core.</summary>
    public void Begin() => Volatile.Write(ref _value, (((_value >> CountShift) + 1) << CountShift) | (long)WatchFlags.Inside);

    /// <summary>Ends the request, and says how far it had come.</summary>
    public WatchFlags End() => FlagsOf(Interlocked.And(ref _value, ~FlagMask));

    /// <summary>Adds a flag if nothing has changed since the state was looked at.</summary>
    public bool TryMark(long seen, WatchFlags flag) => Interlocked.CompareExchange(ref _value, seen | (long)flag, seen) == seen;

    /// <summary>Lets the response begin. False when the request was taken from the application before.</summary>
    public bool TryStart()
    {
        while (true)
        {
            var seen = Value;
            if (Has(seen, WatchFlags.Taken))
            {
                return false;
            }

            if (Has(seen, WatchFlags.Started) || TryMark(seen, WatchFlags.Started))
            {
                return true;
            }
        }
    }
}
