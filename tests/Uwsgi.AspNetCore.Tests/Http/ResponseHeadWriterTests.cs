using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Http;

public class ResponseHeadWriterTests
{
    private readonly ResponseHeaders _headers = new();

    public ResponseHeadWriterTests() => _headers.Attach(new GatewaySettings(new UwsgiOptions(), new KestrelServerOptions()));

    [Fact]
    public void Write_StatusLineForm_IsAnHttpHead()
    {
        _headers[HeaderNames.ContentType] = "text/plain";
        _headers[HeaderNames.SetCookie] = new StringValues(["a=1", "b=2"]);
        _headers.ContentLength = 2;

        Assert.Equal(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\n",
            Write(200));
    }

    [Fact]
    public void Write_CgiForm_EndsWithTheStatus()
    {
        _headers[HeaderNames.Location] = "/there";

        Assert.Equal("Location: /there\r\nStatus: 303 See Other\r\n\r\n", Write(303, hasStatusLine: false));
    }

    [Theory]
    [InlineData(200, null, "200 OK")]
    [InlineData(404, null, "404 Not Found")]
    [InlineData(200, "Fine", "200 Fine")]
    [InlineData(299, null, "299 ")]
    [InlineData(599, null, "599 ")]
    [InlineData(999, "Odd", "999 Odd")]
    [InlineData(200, "", "200 ")]
    public void Write_Status_HasCodeAndReason(int status, string? reason, string expected) =>
        Assert.StartsWith($"HTTP/1.1 {expected}\r\n", Write(status, reason));

    [Theory]
    [InlineData("Connection", "close")]
    [InlineData("Keep-Alive", "timeout=5")]
    [InlineData("Proxy-Connection", "close")]
    [InlineData("Transfer-Encoding", "chunked")]
    [InlineData("Upgrade", "h2c")]
    [InlineData("Trailer", "X-T")]
    [InlineData("Status", "201 Created")]
    [InlineData("TRANSFER-encoding", "gzip")]
    public void Write_HeaderOfTheWire_IsLeftOut(string name, string value)
    {
        _headers[name] = value;

        Assert.Equal("HTTP/1.1 200 OK\r\n\r\n", Write(200));
    }

    [Fact]
    public void Write_101_KeepsConnectionAndUpgrade()
    {
        _headers[HeaderNames.Connection] = "Upgrade";
        _headers[HeaderNames.Upgrade] = "websocket";

        Assert.Equal("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", Write(101));
    }

    [Fact]
    public void Write_NullAndEmptyValues_AreSkippedAndKept()
    {
        _headers["X-A"] = new StringValues(["1", null, "", "2"]);

        Assert.Equal("HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: \r\nX-A: 2\r\n\r\n", Write(200));
    }

    [Fact]
    public void Write_ChosenEncoding_IsUsedForTheValue()
    {
        var options = new UwsgiOptions { ResponseHeaderEncodingSelector = name => name == "X-Name" ? Encoding.UTF8 : null };
        _headers.Attach(new GatewaySettings(options, new KestrelServerOptions()));
        _headers["X-Name"] = "caf\u00E9";

        Assert.Equal("HTTP/1.1 200 OK\r\nX-Name: caf\u00C3\u00A9\r\n\r\n", Write(200));
    }

    [Fact]
    public void Write_LongValues_AreWhole()
    {
        var value = new string('v', 30_000);
        _headers["X-Long"] = value;

        Assert.Equal($"HTTP/1.1 200 OK\r\nX-Long: {value}\r\n\r\n", Write(200));
    }

    [Fact]
    public void Write_ForAnAuthorizer_StartsWithTheStatus()
    {
        _headers[HeaderNames.Location] = "/login";

        Assert.Equal("Status: 302 Found\r\nLocation: /login\r\n\r\n", Write(302, hasStatusLine: false, isAuthorizer: true));
    }

    [Theory]
    [InlineData(true, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")]
    [InlineData(false, "Content-Length: 0\r\nStatus: 400 Bad Request\r\n\r\n")]
    public void WriteEmpty_IsAWholeResponse(bool hasStatusLine, string expected)
    {
        var output = new ArrayBufferWriter<byte>();

        ResponseHeadWriter.WriteEmpty(output, hasStatusLine, 400);

        Assert.Equal(expected, Encoding.Latin1.GetString(output.WrittenSpan));
        Assert.Equal(400, RawResponse.Parse(output.WrittenSpan.ToArray()).StatusCode);
    }

    private string Write(int status, string? reason = null, bool hasStatusLine = true, bool isAuthorizer = false)
    {
        var output = new ArrayBufferWriter<byte>();
        ResponseHeadWriter.Write(output, hasStatusLine, status, reason, _headers, isAuthorizer);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }
}
