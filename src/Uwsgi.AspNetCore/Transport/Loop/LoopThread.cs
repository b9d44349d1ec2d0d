using System.Buffers.Text;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>What one thread of the loop shows to the monitor.</summary>
internal sealed class LoopThread
{
    private const string Tasks = "/proc/self/task/";

    private string _task = string.Empty;
    private long _turn;

    /// <summary>Gets a number that grows with all the thread does; odd while it is handling an event.</summary>
    public long Turn => Volatile.Read(ref _turn);

    /// <summary>Gets or sets whether the thread is working off a queue of connections that only it has been told of.</summary>
    public bool IsAccepting { get; set; }

    /// <summary>Gets or sets the turn in which the monitor saw the thread last.</summary>
    public long SeenTurn { get; set; }

    /// <summary>Gets or sets for how many looks of the monitor the turn has been the same.</summary>
    public int SeenTimes { get; set; }

    /// <summary>Gets or sets whether the monitor has found the thread blocked in this turn.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>Gets or sets the processor time of the thread when the monitor last asked, in nanoseconds.</summary>
    public long SeenProcessorTime { get; set; }

    public static bool IsInside(long turn) => (turn & 1) != 0;

    /// <summary>Called by the thread itself, before anything else.</summary>
    public void Begin()
    {
        // Linked to "<process>/task/<thread>".
        if (new FileInfo("/proc/thread-self").LinkTarget is { } link)
        {
            _task = Tasks + Path.GetFileName(link);
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
        // "1234 (name) R …"
        Span<byte> room = stackalloc byte[128];
        var status = Read("/stat", room);
        var name = status.LastIndexOf((byte)')');
        return name >= 0 && name + 2 < status.Length && status[name + 2] == 'R';
    }

    /// <summary>Gets how long the thread has had a processor, in nanoseconds; zero where that is not known.</summary>
    public long ReadProcessorTime()
    {
        // "<time on a processor> <time waiting for one> <turns>"
        Span<byte> room = stackalloc byte[64];
        return Utf8Parser.TryParse(Read("/schedstat", room), out long time, out _) ? time : 0;
    }

    private ReadOnlySpan<byte> Read(string file, Span<byte> room)
    {
        try
        {
            using var handle = File.OpenHandle(_task + file);
            return room[..RandomAccess.Read(handle, room, 0)];
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
