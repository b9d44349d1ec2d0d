using System.Buffers;
using BenchmarkDotNet.Attributes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Benchmarks.Micro;

/// <summary>A response's headers from the application's assignments to the bytes of the head.</summary>
public class ResponseHeadBenchmarks
{
    private static readonly StringValues Cookies = new(["session=6f1c2a9e4b7d4c0f9a35; path=/; secure; httponly", "theme=dark; path=/"]);

    private readonly ArrayBufferWriter<byte> _output = new(4096);
    private readonly ResponseHeaders _headers = new();

    [Benchmark(Description = "two headers")]
    public int Hello()
    {
        _headers[HeaderNames.ContentType] = "text/plain";
        _headers.ContentLength = 13;
        return Write();
    }

    [Benchmark(Description = "ten lines, two of them cookies")]
    public int Page()
    {
        _headers[HeaderNames.ContentType] = "text/html; charset=utf-8";
        _headers[HeaderNames.CacheControl] = "no-cache, no-store";
        _headers[HeaderNames.Pragma] = "no-cache";
        _headers[HeaderNames.ETag] = "\"7c5e1f\"";
        _headers[HeaderNames.Vary] = "Accept-Encoding";
        _headers[HeaderNames.XContentTypeOptions] = "nosniff";
        _headers["X-Request-Id"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        _headers[HeaderNames.SetCookie] = Cookies;
        _headers.ContentLength = 8192;
        return Write();
    }

    private int Write()
    {
        _output.ResetWrittenCount();
        ResponseHeadWriter.Write(_output, hasStatusLine: true, StatusCodes.Status200OK, reasonPhrase: null, _headers);
        _headers.Reset();
        return _output.WrittenCount;
    }
}
