using System.Globalization;
using System.Text;
using Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

namespace Uwsgi.AspNetCore.Benchmarks.Soak;

/// <summary>Writes the one summary of a run.</summary>
internal static class SoakSummary
{
    public const string Passed = "passed";
    public const string Failed = "FAILED";

    private const int MostCharacters = 1500;

    public static string Write(SoakResult result)
    {
        var (options, tally) = (result.Options, result.Tally);
        var text = new StringBuilder();
        Line(text, $"soak {(result.IsPassed ? Passed : Failed)}: {options.Seconds} s, {options.Connections} connections, seed {options.Seed}, "
            + $"transport {options.Transport ?? "default"}, {(result.HasFrontEnd ? "part of it through nginx" : "without nginx, which is not installed")}");
        Line(text, $"{tally.Count(OutcomeKind.Right)} right, {tally.Count(OutcomeKind.Provoked)} provoked and survived, "
            + $"{tally.Count(OutcomeKind.Retried)} to be retried in {result.Restarts} restarts, {tally.Count(OutcomeKind.Mismatch)} mismatches, "
            + $"{tally.Count(OutcomeKind.Error)} errors, {tally.Count(OutcomeKind.Hang)} hangs");
        Figures(text, result);
        if (!result.IsPassed)
        {
            Ways(text, tally);
            Faults(text, tally);
        }

        return text.ToString();
    }

    private static void Figures(StringBuilder text, SoakResult result)
    {
        var (before, after) = (result.Before, result.After);
        Line(text, $"managed heap {Mebibytes(before.View.ManagedHeap)} behind the warm-up, {Mebibytes(after.View.ManagedHeap)} at the end "
            + $"(bound +{Mebibytes(Growth.ManagedHeap)}); working set {Mebibytes(before.View.WorkingSet)}, {Mebibytes(after.View.WorkingSet)} "
            + $"(bound +{Mebibytes(Growth.WorkingSet)})");
        Line(text, $"descriptors {before.Descriptors}, {after.Descriptors} (bound +{Growth.Descriptors}); "
            + $"threads {before.Threads}, {after.Threads} (bound +{Growth.Threads}); pool blocks out {before.View.Blocks}, {after.View.Blocks}");
    }

    private static void Ways(StringBuilder text, Tally tally)
    {
        foreach (var way in tally.Ways)
        {
            var counts = Enum.GetValues<OutcomeKind>().Select(kind => (kind, tally.Count(kind, way))).Where(count => count.Item2 > 0);
            Line(text, $"  {way}: {string.Join(", ", counts.Select(count => $"{count.Item2} {count.kind}"))}");
        }
    }

    private static void Faults(StringBuilder text, Tally tally)
    {
        Line(text, $"{tally.FaultCount} faults; the first of them:");
        foreach (var fault in tally.Faults)
        {
            Line(text, $"- {(fault.Length > MostCharacters ? fault[..MostCharacters] + "…" : fault)}");
        }
    }

    private static void Line(StringBuilder text, string line) => text.AppendLine(line);

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024.0:F1} MiB");
}
