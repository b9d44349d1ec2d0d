namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>What one thread of the loop shows to the monitor.</summary>
internal sealed class LoopThread
{
    // "1234 (name) R …" in /proc/self/task/<id>/stat.
    private const string Tasks = "/proc/self/task/";

    private string? _statusPath;
    private long _turn;

    /// <summary>Gets a number that grows with all the thread does; odd while it is not waiting for events.</summary>
    public long Turn => Volatile.Read(ref _turn);

    /// <summary>Gets or sets whether the thread is working off a queue of connections that only it has been told of.</summary>
    public bool IsAccepting { get; set; }

    /// <summary>Gets or sets the turn in which the monitor saw the thread last.</summary>
    public long SeenTurn { get; set; }

    /// <summary>Gets or sets for how many looks the turn has been the same.</summary>
    public int SeenTimes { get; set; }

    public static bool IsInside(long turn) => (turn & 1) != 0;

    /// <summary>Called by the thread itself, before anything else.</summary>
    public void Begin()
    {
        // Linked to "<process>/task/<thread>".
        if (new FileInfo("/proc/thread-self").LinkTarget is { } link)
        {
            _statusPath = string.Concat(Tasks, Path.GetFileName(link), "/stat");
        }
    }

    // A full fence: the thread asks behind it whether the monitor is awake.
    public void Enter() => Interlocked.Increment(ref _turn);

    public void Leave() => Volatile.Write(ref _turn, _turn + 1);

    /// <summary>Shows progress within one turn.</summary>
    public void NoteProgress() => Volatile.Write(ref _turn, _turn + 2);

    /// <summary>Tells whether the thread computes, or would if it had a processor; false where that is not known.</summary>
    public bool IsRunnable()
    {
        try
        {
            using var file = File.OpenHandle(_statusPath ?? string.Empty);
            Span<byte> status = stackalloc byte[128];
            status = status[..RandomAccess.Read(file, status, 0)];
            var name = status.LastIndexOf((byte)')');
            return name >= 0 && name + 2 < status.Length && status[name + 2] == 'R';
        }
        catch (Exception unknown) when (unknown is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
