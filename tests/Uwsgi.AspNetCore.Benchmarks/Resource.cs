namespace Uwsgi.AspNetCore.Benchmarks;

/// <summary>Files that this program carries, by their logical names in the project file.</summary>
internal static class Resource
{
    public static byte[] Read(string name)
    {
        using var stream = typeof(Resource).Assembly.GetManifestResourceStream(name)
            ?? throw new ArgumentException($"There is no resource '{name}'.", nameof(name));
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
