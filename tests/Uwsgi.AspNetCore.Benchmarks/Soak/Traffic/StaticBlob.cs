namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>A file that the server answers by itself.</summary>
internal sealed record StaticBlob(string Name, ulong Nonce, int Length)
{
    public static IReadOnlyList<StaticBlob> All { get; } =
    [
        new("empty.bin", 1, 0), new("small.bin", 2, 100), new("block.bin", 3, 4096), new("record.bin", 4, 65_536), new("large.bin", 5, 1_500_001),
    ];

    public static void WriteAll(string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (var blob in All)
        {
            File.WriteAllBytes(Path.Combine(directory, blob.Name), Pattern.Create(blob.Nonce, blob.Length));
        }
    }
}
