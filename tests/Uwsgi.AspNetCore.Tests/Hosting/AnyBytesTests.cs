using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Hosting;

/// <summary>Whatever a peer sends, its connection ends, nobody logs an error, and no block of the pool is lost.</summary>
public class AnyBytesTests
{
    private static readonly Gen<string> Names = Gen.Elements(
        "REQUEST_METHOD", "PATH_INFO", "SCRIPT_NAME", "REQUEST_URI", "QUERY_STRING", "CONTENT_LENGTH", "CONTENT_TYPE", "SERVER_NAME",
        "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "HTTPS", "HTTP_HOST", "HTTP_COOKIE", "HTTP_CONNECTION",
        "HTTP_UPGRADE", "HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH", "HTTP_X", "HTTP_X_Y", "HTTP_", "X", "UWSGI_FILE", "UWSGI_ROUTER");

    private static readonly Gen<string> Values = Gen.OneOf(
        Gen.Elements(
            "", "GET", "POST", "/", "/a", "/../a", "*", "0", "3", "-1", "999999999999999999999", "on", "chunked", "upgrade", "websocket",
            "HTTP/1.1", "HTTP/2.0", "example.test", "[::1]:80", "127.0.0.1", "unix:", "a\r\nb", "a\0b", "\u00FF\u00FE", "caf\u00C3\u00A9"),
        Gen.Choose(0, 255).ArrayOf().Select(values => new string([.. values.Select(value => (char)value)])));

    private static readonly Gen<byte[]> Requests =
        from pairs in (from name in Names from value in Values select (name, value)).ArrayOf()
        from body in ArbMap.Default.GeneratorFor<byte[]>()
        from method in Gen.Elements("GET", "POST", "HEAD", "")
        select Encode(pairs, body, method);

    private static readonly Gen<byte[]> Inputs = Gen.Frequency(
        (1, ArbMap.Default.GeneratorFor<byte[]>()),
        (3, Requests),
        (2, from request in Requests
            from at in Gen.Choose(0, 10_000)
            from value in ArbMap.Default.GeneratorFor<byte>()
            select Change(request, at, value)),
        (1, from request in Requests
            from length in Gen.Choose(0, 10_000)
            select request[..(length % request.Length)]));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AnyConnection_EndsQuietly(bool abortOnHalfClose)
    {
        await using var host = await UwsgiTestHost.StartAsync(
            EchoAsync, options => options.AbortOnHalfClose = abortOnHalfClose, blockSize: 64);

        foreach (var input in Inputs.Sample(400, 20))
            await AssertEndsAsync(host, input);

        host.Logs.AssertNothingAbove(LogLevel.Information, "Uwsgi.AspNetCore");
    }

    // What any application may do, and all of which works on input as odd as this.
    private static async Task EchoAsync(HttpContext context)
    {
        _ = context.Request.Query.Count + context.Request.Cookies.Count + context.Request.GetTypedHeaders().Headers.Count;
        _ = context.Connection.RemoteIpAddress;
        try
        {
            await context.Request.Body.CopyToAsync(context.Response.Body);
        }
        catch (BadHttpRequestException)
        {
            // The body is shorter than announced.
        }
    }

    private static async Task AssertEndsAsync(UwsgiTestHost host, byte[] input)
    {
        var connection = await host.ConnectAsync();
        var reading = ReadAsync(connection.Client);
        await connection.Client.SendAsync(input);
        connection.Client.CompleteSending();

        try
        {
            await connection.Disposed.WithTimeoutAsync();
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"The connection does not end after {Convert.ToHexString(input)}.", exception);
        }

        await reading;
        connection.Client.Close();
    }

    private static async Task ReadAsync(InMemoryClient client)
    {
        try
        {
            await client.ReadToEndAsync();
        }
        catch (ConnectionResetException)
        {
            // The server has given up; that is an end as well.
        }
    }

    private static byte[] Encode((string Name, string Value)[] pairs, byte[] body, string method)
    {
        var packet = method.Length > 0 ? UwsgiPacket.Minimal(method) : new UwsgiPacket();
        foreach (var (name, value) in pairs)
            packet.Add(name, value);
        packet.Body = body;
        return packet.ToArray();
    }

    private static byte[] Change(byte[] bytes, int at, byte value)
    {
        bytes[at % bytes.Length] = value;
        return bytes;
    }
}
