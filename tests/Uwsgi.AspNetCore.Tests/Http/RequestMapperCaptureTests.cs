using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Http;

/// <summary>What becomes of every recorded connection, from its first byte to the application, by the table beside the captures.</summary>
public sealed class RequestMapperCaptureTests(RequestMapperCaptureTests.Fixture fixture) : IClassFixture<RequestMapperCaptureTests.Fixture>
{
    private static readonly string[] NotInTheTable = [HeaderNames.Host, HeaderNames.ContentLength, HeaderNames.ContentType];

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public Task Capture_Whole_BecomesTheExpectedRequest(Capture capture) => RunAsync(capture, client => client.SendAsync(capture.Bytes));

    [Theory]
    [MemberData(nameof(Capture.Uwsgi), MemberType = typeof(Capture))]
    public Task Capture_ByteByByte_BecomesTheExpectedRequest(Capture capture) => RunAsync(
        capture,
        async client =>
        {
            await client.SendByteByByteAsync(capture.Head);
            await client.SendAsync(capture.Body);
        });

    private async Task RunAsync(Capture capture, Func<InMemoryClient, Task> send)
    {
        var expected = capture.Expected;
        var connection = await fixture.Host.ConnectAsync();
        if (!HasWholeBody(capture))
            fixture.Unreadable.TryAdd(connection.ConnectionId, true);

        await send(connection.Client);
        switch (expected.Outcome)
        {
            case ExpectedOutcome.Dispatch:
                Assert.Equal(204, (await connection.Client.ReadHeadAsync()).StatusCode);
                AssertEqual(expected, fixture.Requests[connection.ConnectionId]);
                AssertBody(capture, fixture.Requests[connection.ConnectionId]);
                break;
            case ExpectedOutcome.Refuse:
                Assert.Equal(expected.Status, (await connection.Client.ReadHeadAsync()).StatusCode);
                Assert.DoesNotContain(connection.ConnectionId, fixture.Requests.Keys);
                break;
            default:
                Assert.Equal(new byte[] { 100, 0, 0, 1 }, await connection.Client.ReadToEndAsync());
                Assert.DoesNotContain(connection.ConnectionId, fixture.Requests.Keys);
                break;
        }

        connection.Client.Close();
        await connection.Disposed.WithTimeoutAsync();
    }

    private static void AssertEqual(ExpectedRequest expected, Seen seen)
    {
        Assert.Equal(expected.Method, seen.Method);
        Assert.Equal(expected.PathBase, seen.PathBase);
        Assert.Equal(expected.Path, seen.Path);
        Assert.Equal(expected.Query, seen.Query);
        Assert.Equal(expected.RawTarget, seen.RawTarget);
        Assert.Equal(expected.Scheme, seen.Scheme);
        Assert.Equal(expected.Host, seen.Host);
        Assert.Equal(expected.Protocol, seen.Protocol);
        Assert.Equal(expected.RemoteIp, seen.RemoteIp?.ToString());
        Assert.Equal(expected.RemotePort, seen.RemotePort);
        if (expected.LocalIp is not null)
            Assert.Equal(expected.LocalIp, seen.LocalIp?.ToString());
        if (expected.LocalPort is not null)
            Assert.Equal(expected.LocalPort, seen.LocalPort);
        Assert.Equal(expected.ContentLength, seen.ContentLength);
        Assert.Equal(expected.ContentType, seen.ContentType);
        Assert.Equal(expected.Upgradable, seen.Upgradable);
        Assert.Equal(expected.ContentLength > 0, seen.CanHaveBody);
        Assert.Equal(Lines(expected.Headers.Select(header => (header.Key, header.Value))), Lines(seen.Headers));
    }

    private static void AssertBody(Capture capture, Seen seen)
    {
        if (!HasWholeBody(capture))
            return;

        var body = capture.Body[..(int)(capture.Expected.ContentLength ?? 0)];
        Assert.Equal(Convert.ToHexString(SHA256.HashData(body.Span)), seen.BodySha256);
    }

    private static bool HasWholeBody(Capture capture) => capture.Body.Length >= (capture.Expected.ContentLength ?? 0);

    private static IEnumerable<string> Lines(IEnumerable<(string Name, string[] Values)> headers) => headers
        .Select(header => $"{header.Name.ToLowerInvariant()}: {string.Join(" | ", header.Values)}")
        .Order(StringComparer.Ordinal);

    public sealed class Fixture : IAsyncLifetime
    {
        private UwsgiTestHost? _host;

        public UwsgiTestHost Host => _host!;

        /// <summary>Gets what the application saw, by connection.</summary>
        internal ConcurrentDictionary<string, Seen> Requests { get; } = new();

        /// <summary>Gets the connections whose body ends before its announced length.</summary>
        internal ConcurrentDictionary<string, bool> Unreadable { get; } = new();

        public async Task InitializeAsync() => _host = await UwsgiTestHost.StartAsync(async context =>
        {
            var id = context.Connection.Id;
            var body = Unreadable.ContainsKey(id) ? null : Convert.ToHexString(await SHA256.HashDataAsync(context.Request.Body));
            Requests[id] = Seen.Of(context, body);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        });

        public async Task DisposeAsync() => await Host.DisposeAsync();
    }

    internal sealed record Seen(
        string Method, string PathBase, string Path, string Query, string RawTarget, string Scheme, string Host, string Protocol)
    {
        public IPAddress? RemoteIp { get; private init; }

        public int RemotePort { get; private init; }

        public IPAddress? LocalIp { get; private init; }

        public int LocalPort { get; private init; }

        public long? ContentLength { get; private init; }

        public string? ContentType { get; private init; }

        public bool Upgradable { get; private init; }

        public bool CanHaveBody { get; private init; }

        public string? BodySha256 { get; private init; }

        public IReadOnlyList<(string Name, string[] Values)> Headers { get; private init; } = [];

        public static Seen Of(HttpContext context, string? bodySha256)
        {
            var request = context.Request;
            var feature = context.Features.GetRequiredFeature<IHttpRequestFeature>();
            return new Seen(
                request.Method,
                request.PathBase.Value!,
                request.Path.Value!,
                request.QueryString.Value!,
                feature.RawTarget,
                request.Scheme,
                request.Host.Value ?? "",
                request.Protocol)
            {
                RemoteIp = context.Connection.RemoteIpAddress,
                RemotePort = context.Connection.RemotePort,
                LocalIp = context.Connection.LocalIpAddress,
                LocalPort = context.Connection.LocalPort,
                ContentLength = request.ContentLength,
                ContentType = request.ContentType,
                Upgradable = context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true,
                CanHaveBody = context.Features.GetRequiredFeature<IHttpRequestBodyDetectionFeature>().CanHaveBody,
                BodySha256 = bodySha256,
                Headers =
                [
                    .. request.Headers
                        .Where(header => !NotInTheTable.Contains(header.Key, StringComparer.OrdinalIgnoreCase))
                        .Select(header => (header.Key, header.Value.Select(value => ExpectedRequest.Shorten(value!)).ToArray())),
                ],
            };
        }
    }
}
