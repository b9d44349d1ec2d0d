using System.IO.Compression;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Parity.App;

namespace Uwsgi.AspNetCore.InteropTests.Parity.Cases;

/// <summary>Request bodies: around every size at which a buffer ends, read in every way, limited, and not read at all.</summary>
internal static class BodyCases
{
    private const int Mebi = 1024 * 1024;

    public static IEnumerable<ParityCase> All =>
    [
        .. Sizes.Select(size => Post($"body of {size} bytes", "/body/stream", size)),
        .. Sizes.Where(size => size <= 65_537).Select(size => Post($"body of {size} bytes read from the pipe", "/body/pipe", size)),
        .. Ways.Select(way => Post($"body read as {way}", $"/body/{way}", 100_000)),
        .. Ways.Select(way => Post($"body empty, read as {way}", $"/body/{way}", 0)),
        .. Chunked.Select(chunks => InChunks($"body in chunks, {chunks.Name}", chunks.Size, chunks.Sizes)),
        .. Methods.Select(method => ParityCase.Of($"body with {method}", new RawRequest(method, "/body/stream").WithBody(StaticContent.Bytes(1000)))),
        ParityCase.Of("body without length or chunks", new RawRequest("POST", "/body/stream")),
        ParityCase.Of("body length in a GET is 0", new RawRequest("GET", "/body/pipe").With("Content-Length", "0")),
        ParityCase.Of("body length with zeros in front", new RawRequest("POST", "/body/stream").With("Content-Length", "0003") with { Body = null }, 400)
            with { Visit = LengthWithZerosAsync },
        ParityCase.Of("body length twice", new RawRequest("POST", "/body/stream").With("Content-Length", "3").WithBody("abc"), 400),
        ParityCase.Of("body length with a sign", new RawRequest("POST", "/body/stream").With("Content-Length", "+3"), 400),
        ParityCase.Of("body length negative", new RawRequest("POST", "/body/stream").With("Content-Length", "-3"), 400),
        ParityCase.Of("body length and chunks", new RawRequest("POST", "/body/stream") { Body = "abc"u8.ToArray(), ChunkSizes = [3] }.With("Content-Length", "3"), 400)
            .Needing(Capabilities.ChunkedRequests),
        ParityCase.Of("body length no number", new RawRequest("POST", "/body/stream").With("Content-Length", "three"), 400),
        ParityCase.Of("body expected with 100-continue", new RawRequest("POST", "/body/stream").With("Expect", "100-continue").WithBody("abc")),
        ParityCase.Of("body echoed with its type", new RawRequest("POST", "/echo").WithBody(StaticContent.Bytes(70_000), "application/octet-stream")),
        ParityCase.Of("body in another coding", new RawRequest("POST", "/middleware/decompressed").With("Content-Encoding", "gzip")
            .WithBody(Gzip(StaticContent.Bytes(50_000)), "application/octet-stream")),
        ParityCase.Of("body in an unknown coding", new RawRequest("POST", "/middleware/decompressed").With("Content-Encoding", "zip").WithBody("x")),
        ParityCase.Of("body logged", new RawRequest("POST", "/middleware/logged").WithBody("{\"a\":1}", "application/json")),
        Post("body below the limit of the endpoint", "/limit/metadata", 1024),
        Post("body above the limit of the endpoint", "/limit/metadata", 1025, 413),
        Post("body above the limit but not read", "/limit/metadata/unread", 2000),
        Post("body below the limit set by the app", "/limit/set", 1024),
        Post("body above the limit set by the app", "/limit/set", 1025, 413),
        Post("body without limit", "/limit/lifted", Mebi),
        Post("body above a limit which the app swallows", "/limit/swallowed", 100),
        Post("body whose limit is set too late", "/limit/late", 100),
        InChunks("body in chunks above the limit", 2000, [100], "/limit/metadata", 413),
        Post("body small, not read", "/early", 100, 202),
        Post("body of 1 MiB, not read", "/early", Mebi, 202).Needing(Capabilities.UnreadBodies),
        Post("body of 8 MiB, not read", "/early", 8 * Mebi, 202).Needing(Capabilities.UnreadBodies),
        Post("body read in part", "/early/partly", 200_000),
        Post("body sent straight through", "/unbuffered/body/pipe", 300_000).Needing(Capabilities.StreamingUploads),
        Post("body sent straight through, not read", "/unbuffered/early", Mebi, 202).Needing(Capabilities.StreamingUploads | Capabilities.UnreadBodies),
    ];

    private static int[] Sizes => [0, 1, 4095, 4096, 4097, 65_535, 65_536, 65_537, Mebi - 1, Mebi, Mebi + 1, 8 * Mebi];

    private static string[] Ways => ["stream", "pipe", "mixed", "text", "buffered", "synchronous", "none"];

    private static string[] Methods => ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"];

    private static (string Name, int Size, int[] Sizes)[] Chunked =>
    [
        ("none", 0, [1]),
        ("one byte each", 1000, [1]),
        ("one for all", 5000, [5000]),
        ("growing", 50_000, [1, 10, 100, 1000, 10_000]),
        ("large", 2 * Mebi, [65_536]),
    ];

    private static ParityCase Post(string name, string target, int size, int status = 200) =>
        ParityCase.Of(name, new RawRequest("POST", target).WithBody(StaticContent.Bytes(size), "application/octet-stream"), status);

    private static ParityCase InChunks(string name, int size, int[] sizes, string target = "/body/stream", int status = 200) =>
        ParityCase.Of(name, new RawRequest("POST", target) { Body = StaticContent.Bytes(size), ChunkSizes = sizes }, status)
            .Needing(Capabilities.ChunkedRequests);

    private static async Task LengthWithZerosAsync(Visitor visitor)
    {
        await using var exchange = await visitor.OpenAsync(new RawRequest("POST", "/body/stream").With("Content-Length", "0003"));
        await exchange.SendHeadAsync();
        await exchange.Connection.WriteAsync("abc");
        Assert.Equal(200, (await exchange.CompleteAsync()).Status);
    }

    private static byte[] Gzip(byte[] content)
    {
        var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return compressed.ToArray();
    }
}
