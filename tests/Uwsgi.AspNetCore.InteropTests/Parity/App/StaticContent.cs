using System.Text;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>The files and bodies the app serves.</summary>
internal static class StaticContent
{
    public const string FileName = "report.txt";

    public static DateTimeOffset LastModified { get; } = new(2024, 2, 29, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Makes bytes that are the same for the same length and compress neither very well nor very badly.</summary>
    public static byte[] Bytes(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)((i * 31) ^ (i >> 8) ^ (i >> 16));
        }

        return bytes;
    }

    public static string Text(int lines) =>
        string.Concat(Enumerable.Range(1, lines).Select(line => $"Line {line}: the quick brown fox jumps over the lazy dog.\n"));

    public static void WriteTo(TemporaryDirectory directory)
    {
        Write(directory[FileName], Encoding.UTF8.GetBytes(Text(200)));
        Write(directory["empty.txt"], []);
        Write(directory["blob.bin"], Bytes(300_000));
        Write(directory["page.html"], "<!doctype html><title>Page</title>"u8.ToArray());
        Write(directory["a b é.txt"], "A name with a blank and an accent."u8.ToArray());
    }

    private static void Write(string path, byte[] content)
    {
        File.WriteAllBytes(path, content);
        File.SetLastWriteTimeUtc(path, LastModified.UtcDateTime);
    }
}
