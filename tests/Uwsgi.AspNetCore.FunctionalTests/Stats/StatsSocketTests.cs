using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Stats;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Stats;

/// <summary>The sockets on which statistics are read.</summary>
public class StatsSocketTests
{
    private const int MaxConnections = 64;

    [SkippableTheory]
    [InlineData("127.0.0.1:0")]
    [InlineData("[::1]:0")]
    [InlineData("unix")]
    [InlineData("@")]
    public async Task Whoever_connects_gets_the_document_and_the_end(string kind)
    {
        Skip.If(kind == "@" && !OperatingSystem.IsLinux(), "Abstract sockets exist on Linux only.");
        Skip.If(kind[0] == '[' && !Socket.OSSupportsIPv6, "This machine has no IPv6.");
        var path = Path.Combine(Path.GetTempPath(), $"stats-{Guid.NewGuid():N}.sock");
        await using (var server = await StartAsync(uwsgi =>
        {
            uwsgi.Stats.Add(kind switch { "unix" => path, "@" => $"@stats-{Guid.NewGuid():N}", _ => kind });
            uwsgi.SocketMode = "640";
        }))
        {
            Assert.Equal(200, (await server.RequestAsync(UwsgiPacket.Nginx())).StatusCode);
            var worker = StatsClient.Worker(await StatsClient.ReadAsync(server));

            Assert.Equal(("idle", 1), (worker.GetProperty("status").GetString(), worker.GetProperty("requests").GetInt32()));
            Assert.Equal(1, worker.GetProperty("apps")[0].GetProperty("requests").GetInt32());
            Assert.InRange(worker.GetProperty("tx").GetInt32(), 20, 500);
            Assert.Contains(server.Logs.Entries, entry => entry.Message == "Now listening on: stats://" + StatsClient.AddressOf(server));
            if (kind == "unix" && !OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(path));
        }

        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task Without_the_option_nothing_is_opened_and_requests_are_not_watched()
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync((context.Features.Get<IHarakiriFeature>() is null).ToString()));

        Assert.Equal("True", (await server.RequestAsync(UwsgiPacket.Nginx())).Text);
        Assert.DoesNotContain(server.App.Urls, url => url.StartsWith("stats", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Over_http_the_head_is_exactly_uwsgis()
    {
        await using var server = await StartAsync(uwsgi => uwsgi.StatsHttp = uwsgi.StatsMinified = true);
        using var socket = await StatsClient.ConnectAsync(server);
        await socket.SendAsync("GET /any HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());

        var answer = await StatsClient.ReadToEndAsync(socket);

        Assert.StartsWith(
            "HTTP/1.0 200 OK\r\nConnection: close\r\nAccess-Control-Allow-Origin: *\r\nContent-Type: application/json\r\n\r\n{\"version\":", answer, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', answer[answer.IndexOf('{', StringComparison.Ordinal)..]);
        using var client = new HttpClient();
        using var document = JsonDocument.Parse(await client.GetStringAsync(new Uri("http://" + StatsClient.AddressOf(server))).WithTimeoutAsync());
        Assert.Equal("idle", StatsClient.Worker(document.RootElement).GetProperty("status").GetString());
    }

    // Bytes that nobody reads would turn the close into a reset, which overtakes the answer.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_long_request_does_not_cost_the_answer(bool http)
    {
        // Its time to be read never ends.
        await using var server = await StartAsync(uwsgi => uwsgi.StatsHttp = http, new ManualTimeProvider());
        using var socket = await StatsClient.ConnectAsync(server);
        var sending = socket.SendAsync(new byte[300_000]);

        var answer = await StatsClient.ReadToEndAsync(socket);

        Assert.EndsWith("}", answer, StringComparison.Ordinal);
        await sending.WithTimeoutAsync();
    }

    [Fact]
    public async Task A_silent_http_client_gets_an_empty_close_and_stalls_nobody()
    {
        var time = new ManualTimeProvider();
        await using var server = await StartAsync(uwsgi => uwsgi.StatsHttp = true, time);
        using var silent = await StatsClient.ConnectAsync(server);
        await time.WaitForArmedTimersAsync();

        using var other = await StatsClient.ConnectAsync(server);
        await other.SendAsync("x"u8.ToArray());
        Assert.StartsWith("HTTP/1.0 200 OK", await StatsClient.ReadToEndAsync(other), StringComparison.Ordinal);
        time.Advance(StatsConnection.Timeout);

        Assert.Equal("", await StatsClient.ReadToEndAsync(silent));
    }

    [Fact]
    public async Task A_client_that_does_not_close_is_dropped_and_stalls_nobody()
    {
        var time = new ManualTimeProvider();
        await using var server = await StartAsync(null, time);
        using var idle = await StatsClient.ConnectAsync(server);
        Assert.EndsWith("}", await StatsClient.ReadToEndAsync(idle), StringComparison.Ordinal);
        await time.WaitForArmedTimersAsync();

        Assert.EndsWith("}", await StatsClient.ReadTextAsync(server), StringComparison.Ordinal);
        time.Advance(StatsConnection.Timeout);

        await server.Logs.WaitForAsync("StatsConnectionDropped");
    }

    [Fact]
    public async Task More_clients_than_can_be_served_are_closed_at_once()
    {
        var time = new ManualTimeProvider();
        await using var server = await StartAsync(uwsgi => uwsgi.StatsHttp = true, time);
        var clients = new List<Socket>();
        for (var i = 0; i < MaxConnections; i++)
            clients.Add(await StatsClient.ConnectAsync(server));
        await time.WaitForArmedTimersAsync(MaxConnections);

        using (var late = await StatsClient.ConnectAsync(server))
        {
            Assert.Equal("", await StatsClient.ReadToEndAsync(late));
            await server.Logs.WaitForAsync("StatsConnectionLimit");
        }

        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Many_clients_at_once_all_get_the_document()
    {
        await using var server = await StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => StatsClient.ReadAsync(server)));

        Assert.All(answers, answer => Assert.Equal(Environment.ProcessId, answer.GetProperty("pid").GetInt32()));
    }

    [Fact]
    public async Task Peers_that_are_not_allowed_see_nothing()
    {
        await using var server = await StartAsync(uwsgi => uwsgi.AllowFrom.Add("192.0.2.7"));
        using var socket = await StatsClient.ConnectAsync(server);

        Assert.Equal("", await StatsClient.ReadToEndAsync(socket));
        await server.Logs.WaitForAsync("StatsPeerRefused");
    }

    [Theory]
    [InlineData(GatewayProtocol.Uwsgi)]
    [InlineData(GatewayProtocol.FastCgi)]
    [InlineData(GatewayProtocol.Scgi)]
    [InlineData(null)]
    public async Task A_running_request_is_shown_with_its_variables_and_without_its_secrets(GatewayProtocol? protocol)
    {
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await GatewayTestServer.StartAsync(
            async context =>
            {
                entered.SetResult();
                await release.Task.WithTimeoutAsync();
                await context.Response.WriteAsync("done");
            },
            options =>
            {
                options.Protocol = protocol;
                options.Uwsgi = uwsgi => uwsgi.Stats.Add("127.0.0.1:0");
            });
        var connection = await server.ConnectAsync();
        await connection.Client.SendAsync(ToBytes(protocol));
        await entered.Task.WithTimeoutAsync();

        var busy = await StatsClient.ReadAsync(server);
        release.SetResult();
        await connection.Client.ReadToEndAsync();
        connection.Client.CompleteSending();
        await connection.Disposed.WithTimeoutAsync();
        var idle = await StatsClient.ReadAsync(server);

        var variables = StatsClient.Variables(busy).ToArray();
        Assert.Equal(("busy", 0), (StatsClient.Worker(busy).GetProperty("status").GetString(), StatsClient.Worker(busy).GetProperty("requests").GetInt32()));
        Assert.Superset(
            new HashSet<string?> { "REQUEST_METHOD=GET", "REQUEST_URI=/slow?a=b", "QUERY_STRING=a=b", "HTTP_HOST=shop.test", "HTTP_COOKIE=***", "HTTP_X_TAG=\"1\"", "" },
            variables.ToHashSet());
        Assert.Equal("", variables[^1]);
        Assert.Equal(("idle", 1), (StatsClient.Worker(idle).GetProperty("status").GetString(), StatsClient.Worker(idle).GetProperty("requests").GetInt32()));
        Assert.Empty(StatsClient.Variables(idle));
    }

    [Fact]
    public async Task Every_socket_for_requests_is_listed_and_none_of_the_statistics()
    {
        var abstractName = $"@app-{Guid.NewGuid():N}";
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.UseUwsgi(uwsgi =>
        {
            uwsgi.Sockets.Add("127.0.0.1:0");
            uwsgi.FastCgiSockets.Add(OperatingSystem.IsLinux() ? abstractName : "127.0.0.1:0");
            uwsgi.AutoSockets.Add("127.0.0.1:0");
            uwsgi.Stats.Add("127.0.0.1:0");
            uwsgi.Backlog = 9;
        });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.UseScgi()));
        await using var app = builder.Build();
        await app.StartAsync().WithTimeoutAsync();

        var output = new System.Buffers.ArrayBufferWriter<byte>();
        app.Services.GetRequiredService<StatsDocument>().Write(output, minified: true);
        await app.StopAsync().WithTimeoutAsync();

        using var document = JsonDocument.Parse(output.WrittenMemory);
        var sockets = document.RootElement.GetProperty("sockets").EnumerateArray().ToArray();
        Assert.Equal(["fastcgi", "gateway", "http", "scgi", "uwsgi"], sockets.Select(socket => socket.GetProperty("proto").GetString()).Order(StringComparer.Ordinal));
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal([9, 9, 9], sockets.Where(socket => socket.GetProperty("proto").GetString() is "fastcgi" or "gateway" or "uwsgi").Select(socket => socket.GetProperty("max_queue").GetInt32()));
            Assert.Equal(abstractName, sockets.Single(socket => socket.GetProperty("proto").GetString() == "fastcgi").GetProperty("name").GetString());
        }
    }

    [Fact]
    public async Task Statistics_alone_leave_kestrels_addresses_as_they_are()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.UseUwsgi(uwsgi => uwsgi.Stats.Add("127.0.0.1:0"));
        await using var app = builder.Build();
        app.MapGet("/", () => "hello");
        await app.StartAsync().WithTimeoutAsync();

        Assert.Equal(["http", "stats"], app.Urls.Select(url => new Uri(url).Scheme));
        using var client = new HttpClient();
        Assert.Equal("hello", await client.GetStringAsync(new Uri(app.Urls.First())).WithTimeoutAsync());
        await app.StopAsync().WithTimeoutAsync();
    }

    [Fact]
    public async Task An_address_in_use_ends_the_start()
    {
        await using var first = await StartAsync();

        var error = await Assert.ThrowsAsync<IOException>(() => StartAsync(uwsgi =>
        {
            uwsgi.Stats.Clear();
            uwsgi.Stats.Add(StatsClient.AddressOf(first));
        }));

        var address = StatsClient.AddressOf(first);
        Assert.Equal($"Uwsgi:Stats: '{address}' cannot be listened on: another process is using stats://{address}. Stop it, or choose another address.", error.Message);
    }

    [Theory]
    [InlineData("192.0.2.1:9191")]
    [InlineData("unix:/proc/uwsgi/stats.sock")]
    public async Task An_address_that_cannot_be_had_is_reported_with_its_key(string address)
    {
        var error = await Assert.ThrowsAsync<IOException>(() => StartAsync(uwsgi => uwsgi.Stats.Add(address)));

        Assert.StartsWith($"Uwsgi:Stats: '{address}' cannot be listened on: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Choose an address of this machine that this process may use.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_taken_by_a_live_server_keeps_its_file()
    {
        var path = Path.Combine(Path.GetTempPath(), $"stats-{Guid.NewGuid():N}.sock");
        await using var first = await StartAsync(uwsgi => uwsgi.Stats.Add(path));

        var error = await Assert.ThrowsAsync<IOException>(() => StartAsync(uwsgi => uwsgi.Stats.Add(path)));

        Assert.StartsWith($"Uwsgi:Stats: '{path}' cannot be listened on: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("}", await StatsClient.ReadTextAsync(first), StringComparison.Ordinal);
    }

    private static byte[] ToBytes(GatewayProtocol? protocol)
    {
        var packet = UwsgiPacket.Nginx(target: "/slow?a=b", host: "shop.test").Add("HTTP_COOKIE", "session=1").Add("HTTP_X_TAG", "\"1\"");
        return protocol switch
        {
            GatewayProtocol.Uwsgi => packet.ToArray(),
            GatewayProtocol.FastCgi => FastCgiBytes.Request(1, packet, keep: false),
            GatewayProtocol.Scgi => ToScgi(packet),
            _ => "GET /slow?a=b HTTP/1.1\r\nHost: shop.test\r\nCookie: session=1\r\nX-Tag: \"1\"\r\nConnection: close\r\n\r\n"u8.ToArray(),
        };
    }

    private static byte[] ToScgi(UwsgiPacket packet)
    {
        var variables = packet.Variables.Where(variable => variable.Key != "CONTENT_LENGTH").Select(variable => $"{variable.Key}\0{variable.Value}\0");
        var head = "CONTENT_LENGTH\00\0SCGI\01\0" + string.Concat(variables);
        return Encoding.Latin1.GetBytes($"{head.Length}:{head},");
    }

    private static Task<GatewayTestServer> StartAsync(Action<UwsgiOptions>? options = null, TimeProvider? time = null) => GatewayTestServer.StartAsync(
        context => context.Response.WriteAsync("hello"),
        server =>
        {
            server.Time = time;
            server.Uwsgi = uwsgi =>
            {
                options?.Invoke(uwsgi);
                if (uwsgi.Stats.Count == 0)
                    uwsgi.Stats.Add("127.0.0.1:0");
            };
        });
}
