using System.Globalization;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;
using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>Makes up requests.</summary>
internal sealed class RequestMix(Random random, IReadOnlyList<StaticBlob> blobs)
{
    private const int Mebibyte = 1024 * 1024;

    // Where blocks, records and buffers end.
    private static readonly int[] Edges = [4096, 8192, 16_384, 32_768, 65_535, 65_536, 131_072];

    /// <summary>A request that is answered in full and at once.</summary>
    public SoakRequest Next(Door door) => random.Next(10) switch
    {
        < 3 => Download(),
        < 5 => Upload(Size()),
        < 7 => door.PassesEchoes ? Echo(Size()) : Upload(Size()),
        7 => door.DrainsRequests ? Early() : Download(),
        8 => Headers(),
        _ => Static(),
    };

    /// <summary>A request whose answer never comes, or not in full.</summary>
    public SoakRequest NextFailing()
    {
        var nonce = Nonce();
        var size = 2 + Size();
        var half = new SoakRequest(nonce, "GET", "/cut", string.Create(CultureInfo.InvariantCulture, $"&size={size}&piece={Piece()}"))
        {
            IsCut = true,
            DownloadLength = size / 2,
        };
        return random.Next(8) switch
        {
            < 4 => half,
            4 => half with { Path = "/hang/begun" },
            5 => Hanging(nonce, "/hang/obey"),
            6 => Hanging(nonce, "/hang/ignore"),
            _ => Hanging(nonce, "/hang/block"),
        };
    }

    public SoakRequest Upload(int size)
    {
        var nonce = Nonce();
        return new(nonce, "POST", "/upload", string.Create(CultureInfo.InvariantCulture, $"&piece={Piece()}"))
        {
            UploadLength = size,
            Text = string.Create(CultureInfo.InvariantCulture, $"{nonce:x16} {size}"),
        };
    }

    public SoakRequest Download(int? size = null)
    {
        var length = size ?? Size();
        var query = string.Create(CultureInfo.InvariantCulture, $"&size={length}&piece={Piece()}&announce={random.Next(2)}");
        return new(Nonce(), "GET", "/bytes", query) { DownloadLength = length };
    }

    /// <summary>A size between nothing and some MiB: mostly small, often at an edge.</summary>
    public int Size() => random.Next(20) switch
    {
        < 3 => 0,
        < 5 => 1 + random.Next(16),
        < 11 => random.Next(4000),
        < 15 => Math.Max(0, Edges[random.Next(Edges.Length)] + random.Next(-40, 40)),
        < 19 => random.Next(256 * 1024),
        _ => random.Next(4 * Mebibyte),
    };

    private static SoakRequest Hanging(ulong nonce, string path) =>
        new(nonce, "GET", path) { Status = 504, Text = SoakRequest.HarakiriText, IsSigned = false };

    private SoakRequest Echo(int size)
    {
        var nonce = Nonce();
        return new(nonce, "POST", "/echo") { UploadLength = size, DownloadLength = size, DownloadNonce = nonce };
    }

    private SoakRequest Early() => Download() with { Method = "POST", Path = "/early", UploadLength = Size() };

    private SoakRequest Headers()
    {
        var headers = Enumerable.Range(0, random.Next(40))
            .Select(index => (Name: $"{SoakEndpoints.SentHeader}{index}", Value: new string((char)('a' + random.Next(26)), random.Next(1, 300))))
            .ToArray();
        var lines = headers.Select(header => $"{header.Name.ToUpperInvariant()}: {header.Value}").Order(StringComparer.Ordinal);
        return new(Nonce(), "GET", "/headers") { Headers = headers, Text = string.Join('\n', lines) };
    }

    private SoakRequest Static()
    {
        var blob = blobs[random.Next(blobs.Count)];
        return new(Nonce(), "GET", $"/static/{blob.Name}") { DownloadLength = blob.Length, DownloadNonce = blob.Nonce, IsSigned = false };
    }

    private ulong Nonce() => (ulong)random.NextInt64(long.MinValue, long.MaxValue);

    private int Piece() => 1 << random.Next(8, 18);
}
