using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi;

/// <summary>Everything that web servers were recorded to send gets an answer that fits it.</summary>
public class FastCgiCaptureTests
{
    [Theory]
    [MemberData(nameof(Capture.FastCgi), MemberType = typeof(Capture))]
    public async Task Every_capture_is_answered(Capture capture)
    {
        await using var server = await StartAsync();

        await AssertAnsweredAsync(server, capture, client => client.SendAsync(capture.Bytes));
    }

    [Theory]
    [MemberData(nameof(Capture.FastCgi), MemberType = typeof(Capture))]
    public async Task Every_capture_is_answered_byte_by_byte(Capture capture)
    {
        // Where records end and begin matters, not every byte of a large upload.
        await using var server = await StartAsync();

        await AssertAnsweredAsync(server, capture, async client =>
        {
            var start = Math.Min(capture.Bytes.Length, 2000);
            await client.SendByteByByteAsync(capture.Bytes[..start]);
            await client.SendAsync(capture.Bytes[start..]);
        });
    }

    private static Task<GatewayTestServer> StartAsync() => FastCgiTestServer.StartAsync(
        async context =>
        {
            using var body = new MemoryStream();
            try
            {
                await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            }
            catch (Exception cut) when (cut is IOException or OperationCanceledException)
            {
                return;
            }

            await context.Response.WriteAsync(Convert.ToHexStringLower(SHA256.HashData(body.ToArray())));
        },
        options =>
        {
            options.BufferSize = 128 * 1024;
            options.Limits.MaxRequestHeaderCount = 200;
            options.AbortOnHalfClose = false;
        });

    private static async Task AssertAnsweredAsync(GatewayTestServer server, Capture capture, Func<InMemoryClient, Task> send)
    {
        var connection = await server.ConnectAsync();
        var client = new FastCgiClient(connection);
        var reading = client.ReadToEndAsync();
        await send(connection.Client);
        connection.Client.CompleteSending();

        var requests = capture.Records.Requests ?? [];
        IReadOnlyList<FastCgiAnswer> answers;
        try
        {
            answers = await reading;
        }
        catch (ConnectionResetException)
        {
            // Malformed, or cut off in mid-upload, or without the pauses in which nginx waited for an answer before it used an id again.
            Assert.True(
                capture.Records.Malformed || requests.Any(request => !request.StdinEnded) || requests.DistinctBy(request => request.Id).Count() < requests.Count,
                "The connection was aborted.");
            return;
        }

        Assert.False(capture.Records.Malformed);
        foreach (var group in requests.GroupBy(request => request.Id))
        {
            var own = answers.Where(answer => answer.Id == group.Key).ToList();
            Assert.InRange(own.Count, group.Count(request => request.StdinEnded || request.Aborted), group.Count());
            foreach (var (request, answer) in group.Zip(own))
            {
                Assert.Equal(0, answer.ProtocolStatus);
                if (request is { Aborted: false, StdinEnded: true } && answer.Response is { StatusCode: 200 } response)
                    Assert.Equal(IsHead(request.Variables) ? "" : request.BodySha256, response.Text);
            }
        }
    }

    private static bool IsHead(IEnumerable<CapturedVariable> variables) =>
        variables.Any(variable => variable is { Name: "REQUEST_METHOD", Value: "HEAD" });
}
