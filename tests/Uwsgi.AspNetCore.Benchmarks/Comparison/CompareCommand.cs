namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>One scenario over every column, and a table at the end.</summary>
internal static class CompareCommand
{
    public static Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = CompareOptions.Parse(arguments);
        ComparisonSession.ThrowIfImpossible();
        return Interruption.RunAsync(cancellationToken => RunAsync(options, cancellationToken));
    }

    private static async Task RunAsync(CompareOptions options, CancellationToken cancellationToken)
    {
        var surroundings = Surroundings.Describe();
        var result = await ComparisonSession.RunAsync(options, cancellationToken);

        Console.WriteLine($"{surroundings.Machine}, {surroundings.Versions}.");
        Console.WriteLine(MarkdownReport.Write(result));
        if (options.JsonPath is { } path)
        {
            await File.WriteAllTextAsync(path, JsonReport.Write(new { surroundings, Comparison = JsonReport.Describe(result) }), cancellationToken);
        }
    }
}
