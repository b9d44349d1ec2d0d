using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

[Trait("Item", "138")]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class UnixSocketTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("uwsgi-unix-").FullName;
    private readonly string _path;

    public UnixSocketTests() => _path = Path.Combine(_directory, "app.sock");

    [Theory]
    [InlineData("660")]
    [InlineData("600")]
    [InlineData("0666")]
    public async Task The_mode_is_set(string mode)
    {
        await using var app = await StartAsync(uwsgi => uwsgi.SocketMode = mode);

        await HostedApp.AssertAnswersAsync($"unix:{_path}");
        Assert.Equal((UnixFileMode)Convert.ToInt32(mode, 8), File.GetUnixFileMode(_path));
    }

    [Fact]
    public async Task The_mode_is_in_force_before_the_first_connection()
    {
        // Whoever gets in first, however early, must find the mode set.
        using var timeout = new CancellationTokenSource(TestTimeouts.Default);
        var first = Task.Run(() =>
        {
            while (!timeout.IsCancellationRequested)
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    socket.Connect(new UnixDomainSocketEndPoint(_path));
                    return (UnixFileMode?)File.GetUnixFileMode(_path);
                }
                catch (SocketException)
                {
                    // Nobody listens yet.
                }
            }

            return null;
        });

        await using var app = await StartAsync(uwsgi => uwsgi.SocketMode = "620");
        var seen = await first.WithTimeoutAsync();

        Assert.Equal((UnixFileMode)Convert.ToInt32("620", 8), seen);
    }

    [SkippableFact]
    public async Task Owner_and_group_are_set_by_number_and_by_name()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "Only root may give a file away.");
        await using (var byNumber = await StartAsync(uwsgi => (uwsgi.SocketOwner, uwsgi.SocketGroup) = ("12345", "23456")))
        {
            Assert.Equal("12345:23456", await OwnerAsync("%u:%g"));
            await HostedApp.AssertAnswersAsync($"unix:{_path}");
        }

        await using (var byName = await StartAsync(uwsgi => (uwsgi.SocketOwner, uwsgi.SocketGroup) = ("daemon", "daemon")))
            Assert.Equal("daemon:daemon", await OwnerAsync("%U:%G"));

        await using (var groupOnly = await StartAsync(uwsgi => uwsgi.SocketGroup = "daemon"))
            Assert.Equal("root:daemon", await OwnerAsync("%U:%G"));
    }

    [Theory]
    [InlineData("no-such-user", null, "user 'no-such-user'")]
    [InlineData(null, "no-such-group", "group 'no-such-group'")]
    public async Task An_unknown_owner_or_group_fails_the_start_before_anybody_can_connect(string? owner, string? group, string reason)
    {
        var failure = await Assert.ThrowsAsync<IOException>(() => StartAsync(uwsgi => (uwsgi.SocketOwner, uwsgi.SocketGroup) = (owner, group)));

        Assert.Contains(reason, failure.Message);
        Assert.False(File.Exists(_path));
    }

    [Fact]
    public async Task A_stale_file_is_replaced()
    {
        LeaveStaleSocket();
        using var logs = new LogSink();
        await using var app = await StartAsync(_ => { }, logs);

        await HostedApp.AssertAnswersAsync($"unix:{_path}");
        Assert.Contains(_path, Assert.Single(logs.Find("StaleSocketRemoved")).Message);
    }

    [Fact]
    public async Task A_live_socket_is_left_alone()
    {
        await using var first = await StartAsync(_ => { });

        var failure = await Assert.ThrowsAsync<IOException>(() => StartAsync(_ => { }));

        Assert.Contains("another server is listening", failure.Message);
        Assert.Contains(_path, failure.Message);
        await HostedApp.AssertAnswersAsync($"unix:{_path}");
    }

    [Fact]
    public async Task A_live_socket_with_a_full_backlog_is_left_alone()
    {
        using var busy = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        busy.Bind(new UnixDomainSocketEndPoint(_path));
        busy.Listen(1);
        var waiting = new List<Socket>();
        while (TryConnect() is { } socket)
            waiting.Add(socket);

        var failure = await Assert.ThrowsAsync<IOException>(() => StartAsync(_ => { }).WithTimeoutAsync());

        Assert.Contains("another server is listening", failure.Message);
        Assert.True(File.Exists(_path));
        waiting.ForEach(socket => socket.Dispose());

        Socket? TryConnect()
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(_path));
                return socket;
            }
            catch (SocketException)
            {
                socket.Dispose();
                return null;
            }
        }
    }

    [Fact]
    public async Task A_fifo_is_left_alone()
    {
        using (var mkfifo = System.Diagnostics.Process.Start("mkfifo", [_path]))
            await mkfifo.WaitForExitAsync().WithTimeoutAsync();

        var failure = await Assert.ThrowsAsync<IOException>(() => Task.Run(() => StartAsync(_ => { })).WithTimeoutAsync());

        Assert.Contains("is no socket", failure.Message);
        Assert.True(File.Exists(_path));
    }

    [Fact]
    public async Task A_regular_file_is_left_alone()
    {
        await File.WriteAllTextAsync(_path, "precious");

        await Assert.ThrowsAsync<IOException>(() => StartAsync(_ => { }));

        Assert.Equal("precious", await File.ReadAllTextAsync(_path));
    }

    [Fact]
    public async Task A_directory_is_left_alone()
    {
        Directory.CreateDirectory(_path);

        await Assert.ThrowsAsync<IOException>(() => StartAsync(_ => { }));

        Assert.True(Directory.Exists(_path));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_file_goes_with_the_server_when_vacuum_is_on(bool vacuum)
    {
        await using var app = await StartAsync(uwsgi => uwsgi.Vacuum = vacuum);
        await HostedApp.AssertAnswersAsync($"unix:{_path}");

        await app.StopAsync().WithTimeoutAsync();

        Assert.Equal(!vacuum, File.Exists(_path));
        await using var next = await StartAsync(_ => { });
        await HostedApp.AssertAnswersAsync($"unix:{_path}");
    }

    [Fact]
    public async Task A_path_that_is_too_long_is_an_error_that_says_so()
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("/tmp/" + new string('x', 120)));

        var failure = await Assert.ThrowsAsync<OptionsValidationException>(() => HostedApp.StartAsync(builder));

        Assert.Contains("107 bytes", failure.Message);
    }

    [Fact]
    public async Task A_missing_directory_fails_the_start()
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add(Path.Combine(_directory, "missing", "app.sock")));

        await Assert.ThrowsAnyAsync<Exception>(() => HostedApp.StartAsync(builder));
    }

    [Theory]
    [InlineData("unix:")]
    [InlineData("unix://")]
    [InlineData("")]
    public async Task The_path_may_be_written_in_several_ways(string prefix)
    {
        await using var app = await StartAsync(_ => { }, socket: prefix + _path);

        Assert.Equal($"uwsgi://unix:{_path}", app.Urls.Single());
        await HostedApp.AssertAnswersAsync(app.Urls.Single());
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task<WebApplication> StartAsync(Action<UwsgiOptions> configure, LogSink? logs = null, string? socket = null)
    {
        var builder = HostedApp.CreateBuilder(logs);
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add(socket ?? _path)).UseUwsgi(configure);
        return await HostedApp.StartAsync(builder);
    }

    // What a server leaves that was killed.
    private void LeaveStaleSocket()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_path));
        using var handle = new SafeSocketHandle(socket.SafeHandle.DangerousGetHandle(), ownsHandle: true);
        socket.SafeHandle.SetHandleAsInvalid();
    }

    private async Task<string> OwnerAsync(string format)
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", format, _path])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        return (await stat.StandardOutput.ReadToEndAsync().WithTimeoutAsync()).Trim();
    }
}
