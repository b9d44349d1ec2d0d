using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>The <c>cgi-fcgi</c> command, which old CGI programs' web servers run for each request: its environment becomes the parameters.</summary>
public sealed class CgiFcgiTests : IDisposable
{
    private static readonly string[] Stock = ["GATEWAY_INTERFACE=CGI/1.1", "SERVER_PROTOCOL=HTTP/1.1", "SERVER_NAME=shop.test", "SERVER_PORT=80", "REMOTE_ADDR=192.0.2.1"];

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [SkippableFact]
    public async Task Get_WithStockVariables_IsAnswered()
    {
        var answer = await AskAsync(
            [.. Stock, "REQUEST_METHOD=GET", "SCRIPT_NAME=/orders/7", "QUERY_STRING=a=b", "HTTP_HOST=shop.test:8000", "HTTP_COOKIE=c=d"]);

        Assert.Equal("200 OK", answer.Status);
        Assert.Equal("GET http://shop.test:8000/orders/7?a=b 192.0.2.1", answer.Lines[0]);
    }

    [SkippableFact]
    public async Task Get_WithTheFewestVariables_IsAnswered()
    {
        var answer = await AskAsync(["REQUEST_METHOD=GET", "SCRIPT_NAME=/orders/7", "SERVER_NAME=shop.test"]);

        Assert.Equal("200 OK", answer.Status);
        Assert.Equal("GET http://shop.test/orders/7 ", answer.Lines[0]);
    }

    [SkippableFact]
    public async Task NoVariables_AreABadRequest() => Assert.Equal("400 Bad Request", (await AskAsync([])).Status);

    // 127 and 128 are where the length of a value takes four bytes instead of one, 65,535 where a record ends.
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(126)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(8191)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(100_000)]
    public async Task LongValue_ArrivesWhole(int length)
    {
        var value = new string('v', length);

        var answer = await AskAsync(
            [.. Stock, "REQUEST_METHOD=GET", "SCRIPT_NAME=/", $"HTTP_X_LONG={value}"], options: options => options.BufferSize = 256 * 1024);

        Assert.Equal("200 OK", answer.Status);
        Assert.Equal(Describe("header", System.Text.Encoding.ASCII.GetBytes(value)), answer.Lines[1]);
    }

    [SkippableFact]
    public async Task MoreVariablesThanTheBufferHolds_AreRefused() => Assert.Equal(
        "431 Request Header Fields Too Large",
        (await AskAsync([.. Stock, "REQUEST_METHOD=GET", "SCRIPT_NAME=/", $"HTTP_X_LONG={new string('v', 100_000)}"])).Status);

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(8192)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1_048_577)]
    public async Task Post_BodyFromStandardInput_ArrivesWhole(int length)
    {
        var body = new byte[length];
        new Random(length).NextBytes(body);

        var answer = await AskAsync([.. Stock, "REQUEST_METHOD=POST", "SCRIPT_NAME=/", $"CONTENT_LENGTH={length}"], body);

        Assert.Equal("200 OK", answer.Status);
        Assert.Equal(Describe("body", body), answer.Lines[2]);
    }

    [SkippableFact]
    public async Task Post_OverUnixSocket_ArrivesWhole()
    {
        var body = new byte[100_000];

        var answer = await AskAsync(
            [.. Stock, "REQUEST_METHOD=POST", "SCRIPT_NAME=/", $"CONTENT_LENGTH={body.Length}"], body, socket: _directory["app.sock"]);

        Assert.Equal("200 OK", answer.Status);
        Assert.Equal(Describe("body", body), answer.Lines[2]);
    }

    private static string Describe(string name, byte[] content) =>
        string.Create(CultureInfo.InvariantCulture, $"{name} {content.Length} {Convert.ToHexString(SHA256.HashData(content))}");

    private async Task<(string Status, string[] Lines)> AskAsync(
        string[] variables, byte[]? body = null, string socket = "127.0.0.1:0", Action<UwsgiOptions>? options = null)
    {
        var program = RequiredProgram.Find("cgi-fcgi", "libfcgi-bin");
        await using var app = await StartAppAsync(socket, options);
        var address = app.GetAddress("fastcgi");
        address = address.StartsWith("unix:", StringComparison.Ordinal) ? address["unix:".Length..] : address;
        string[] command = [program, "-bind", "-connect", address];
        if (body is not null)
        {
            await File.WriteAllBytesAsync(_directory["body"], body);
            command = ["/bin/sh", "-c", "exec < \"$0\" \"$@\"", _directory["body"], .. command];
        }

        await using var process = ForegroundProcess.Start("/usr/bin/env", ["-i", .. variables, .. command]);
        Assert.Equal(0, await process.Exited.OrTimeout());
        var lines = process.Output.Split('\n');
        var status = Assert.Single(lines, line => line.StartsWith("Status: ", StringComparison.Ordinal));
        return (status["Status: ".Length..], [.. lines.SkipWhile(line => line.Length > 0).Skip(1)]);
    }

    private static Task<WebApplication> StartAppAsync(string socket, Action<UwsgiOptions>? options) => TestApp.StartAsync(
        fastCgi =>
        {
            fastCgi.FastCgiSockets.Add(socket);
            options?.Invoke(fastCgi);
        },
        app => app.Run(async context =>
        {
            var request = context.Request;
            var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            await context.Response.WriteAsync(
                $"{request.Method} {request.Scheme}://{request.Host}{request.Path}{request.QueryString} {context.Connection.RemoteIpAddress}\n"
                + Describe("header", System.Text.Encoding.ASCII.GetBytes(request.Headers["X-Long"].ToString())) + "\n"
                + Describe("body", body.ToArray()) + "\n");
        }));
}
