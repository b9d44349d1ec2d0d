namespace Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

/// <summary>What an app under soak sees of itself.</summary>
/// <param name="ManagedHeap">Bytes.</param>
/// <param name="WorkingSet">Bytes.</param>
/// <param name="Blocks">Blocks of memory that were taken from the server's pools and are not back.</param>
/// <param name="Misuses">Blocks that came back twice.</param>
/// <param name="Running">What the instruments count as being at work, by name.</param>
/// <param name="Complaints">Errors that were logged, and requests that nobody has sent, since the last look.</param>
internal sealed record InsideView(
    long ManagedHeap, long WorkingSet, long Blocks, long Misuses, Dictionary<string, long> Running, string[] Complaints)
{
    /// <summary>Gets what is not as it should be when nobody is connected.</summary>
    public IEnumerable<string> Leftovers()
    {
        if (Blocks != 0)
        {
            yield return $"{Blocks} blocks are not back in their pool";
        }

        foreach (var (name, count) in Running.Where(gauge => gauge.Value != 0))
        {
            yield return $"{name} is {count}";
        }
    }

    /// <summary>Gets what must not happen at any time.</summary>
    public IEnumerable<string> Faults()
    {
        if (Misuses != 0)
        {
            yield return $"{Misuses} blocks came back to their pool twice";
        }

        foreach (var complaint in Complaints)
        {
            yield return complaint;
        }
    }
}
