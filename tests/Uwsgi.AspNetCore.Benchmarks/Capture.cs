namespace Uwsgi.AspNetCore.Benchmarks;

/// <summary>Recorded requests, by the names of their files in <c>tests/Shared/Captures</c>.</summary>
internal static class Capture
{
    public static byte[] Read(string name)
    {
        using var stream = typeof(Capture).Assembly.GetManifestResourceStream(name)
            ?? throw new ArgumentException($"There is no capture '{name}'.", nameof(name));
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
