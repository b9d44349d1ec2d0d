namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>What a process may have more of behind a load than behind its warm-up.</summary>
internal static class Growth
{
    public const long ManagedHeap = 8 * 1024 * 1024;
    public const long WorkingSet = 64 * 1024 * 1024;
    public const int Threads = 16;
    public const int Descriptors = 0;

    public static IEnumerable<string> FindFaults(ProcessSample before, ProcessSample after)
    {
        foreach (var fault in FindLeftovers("steady, behind the warm-up", before).Concat(FindLeftovers("steady", after)))
        {
            yield return fault;
        }

        foreach (var (what, more, bound) in ((string, long, long)[])
        [
            ("managed heap", after.View.ManagedHeap - before.View.ManagedHeap, ManagedHeap),
            ("working set", after.View.WorkingSet - before.View.WorkingSet, WorkingSet),
            ("threads", after.Threads - before.Threads, Threads),
            ("descriptors", after.Descriptors - before.Descriptors, Descriptors),
        ])
        {
            if (more > bound)
            {
                yield return $"steady: the {what} grew by {more}, more than {bound}";
            }
        }
    }

    public static IEnumerable<string> FindLeftovers(string name, ProcessSample sample)
    {
        foreach (var leftover in sample.View.Leftovers().Concat(sample.View.Faults()))
        {
            yield return $"{name}: {leftover}";
        }

        if (sample.BusyCores > 0)
        {
            yield return $"{name}: the statistics show {sample.BusyCores} running requests";
        }
    }
}
