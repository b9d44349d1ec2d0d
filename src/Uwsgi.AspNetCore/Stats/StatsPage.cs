using System.Security.Cryptography;
using System.Text;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>The page for people: one document with its style and its script inside, so that no path can be wrong.</summary>
/// <remarks>It is the same for everybody. What it shows it asks for itself, relative to its own address in the browser.</remarks>
internal static class StatsPage
{
    static StatsPage()
    {
        var (style, script) = (Read("style.css"), Read("script.js"));
        Bytes = Encoding.UTF8.GetBytes(Read("index.html")
            .Replace("<style></style>", $"<style>{style}</style>", StringComparison.Ordinal)
            .Replace("<script></script>", $"<script>{script}</script>", StringComparison.Ordinal));
        Policy = $"default-src 'none'; style-src {Hash(style)}; script-src {Hash(script)}; img-src data:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }

    public static ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Gets the Content-Security-Policy: nothing but the page's own style and script, and questions to its own site.</summary>
    public static string Policy { get; }

    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    private static string Read(string name)
    {
        using var stream = typeof(StatsPage).Assembly.GetManifestResourceStream($"Uwsgi.AspNetCore.Stats.{name}")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
