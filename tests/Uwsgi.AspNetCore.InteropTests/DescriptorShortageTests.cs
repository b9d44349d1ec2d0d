using Uwsgi.AspNetCore.InteropTests.Children;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>A process that may not have as many open files as there are connections.</summary>
public sealed class DescriptorShortageTests
{
    private const int OpenFiles = 250;
    private const int Connections = 400;
    private const string Shortage = "have to wait: the system has no descriptors or memory left";

    [SkippableTheory]
    [InlineData("127.0.0.1:0")]
    [InlineData("@")]
    public async Task Connections_wait_for_descriptors_and_are_served_when_others_close(string socket)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The event loop needs Linux.");
        await using var app = await ChildProcess.StartLimitedAsync(
            OpenFiles, socket == "@" ? $"@uwsgi-shortage-{Guid.NewGuid():N}" : socket, "Log=true", "Uwsgi:Transport=EventLoop", "Uwsgi:Backlog=4096");
        await WarmUpAsync(app);
        var clients = await Task.WhenAll(Enumerable.Range(0, Connections).Select(_ => UwsgiClient.ConnectAsync(app.Address)));
        Assert.NotNull(await app.Process.WaitForLineAsync(line => line.Contains(Shortage, StringComparison.Ordinal)));

        // All at once: those in the queue only get descriptors from those that are answered.
        await Task.WhenAll(clients.Select(async client =>
        {
            using (client)
            {
                await client.SendAsync(UwsgiPacket.Nginx(target: "/answer").ToArray());
                var answer = await client.ReadToEndAsync();
                Assert.True(answer.AsSpan().IndexOf("200 OK"u8) > 0, app.Process.Output);
            }
        }));

        Assert.Equal(200, (await UwsgiClient.RequestAsync(app.Address, UwsgiPacket.Nginx(target: "/answer"))).StatusCode);
        Assert.Equal(2, app.Process.Output.Split(Shortage).Length);
    }

    [SkippableFact]
    public async Task A_thousand_connections_at_once_are_served_with_few_descriptors()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The event loop needs Linux.");
        await using var app = await ChildProcess.StartLimitedAsync(OpenFiles, "127.0.0.1:0", "Uwsgi:Transport=EventLoop", "Uwsgi:Backlog=4096");

        await WarmUpAsync(app);

        var answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(
            _ => UwsgiClient.RequestAsync(app.Address, UwsgiPacket.Nginx(target: "/answer"))));

        Assert.All(answers, answer => Assert.Equal(200, answer.StatusCode));
    }

    // The app's own files, such as assemblies that a first request loads, need descriptors, too.
    private static async Task WarmUpAsync(ChildProcess app)
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(200, (await UwsgiClient.RequestAsync(app.Address, UwsgiPacket.Nginx(target: "/answer"))).StatusCode);
        }

        // One that has to wait, too.
        using var client = await UwsgiClient.ConnectAsync(app.Address);
        await client.SendByteByByteAsync(UwsgiPacket.Nginx(target: "/answer").ToArray());
        Assert.Equal(200, (await client.ReadResponseAsync()).StatusCode);
    }
}
