using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

[Trait("Item", "140")]
public class RegistrationTests
{
    [Fact]
    public async Task UseKestrel_behind_UseUwsgi_fails_the_start_and_says_what_to_do()
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        builder.WebHost.UseKestrel(kestrel => kestrel.AddServerHeader = false);

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => HostedApp.StartAsync(builder));

        Assert.Contains("Call UseUwsgi() after UseKestrel()", failure.Message);
        Assert.Contains("ConfigureKestrel()", failure.Message);
    }

    [Fact]
    public async Task UseKestrel_in_front_of_UseUwsgi_is_fine_and_so_is_ConfigureKestrel_anywhere()
    {
        var builder = HostedApp.CreateBuilder();
        builder.WebHost.UseKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single(url => url.StartsWith("uwsgi://", StringComparison.Ordinal)));
        await HostedApp.AssertAnswersHttpAsync(app.Urls.Single(url => url.StartsWith("http://", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task UseUwsgi_behind_a_second_UseKestrel_takes_the_new_server()
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        builder.WebHost.UseKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.UseUwsgi();
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single());
    }

    [Fact]
    public async Task Calling_it_several_times_merges_the_options()
    {
        var builder = HostedApp.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("Uwsgi:Sockets", "127.0.0.1:0"), new("Uwsgi:BufferSize", "1000")]);
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("[::1]:0"));
        builder.WebHost.UseUwsgi((context, uwsgi) =>
        {
            Assert.Equal(builder.Environment.EnvironmentName, context.HostingEnvironment.EnvironmentName);
            Assert.Equal(1000, uwsgi.BufferSize);
            uwsgi.BufferSize = 2000;
        });
        builder.UseUwsgi().UseUwsgi(uwsgi => uwsgi.Sockets.Remove("[::1]:0"));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single());
        var options = app.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<UwsgiOptions>>().Value;
        Assert.Equal(2000, options.BufferSize);
    }

    [Fact]
    public async Task Without_a_socket_nothing_is_opened()
    {
        using var logs = new LogSink();
        var builder = HostedApp.CreateBuilder(logs, "--urls", "http://127.0.0.1:0");
        builder.UseUwsgi();
        await using var app = await HostedApp.StartAsync(builder);

        Assert.StartsWith("http://127.0.0.1:", Assert.Single(app.Urls));
        await HostedApp.AssertAnswersHttpAsync(app.Urls.Single());
        logs.AssertNothingAbove(LogLevel.Information);
    }

    [Fact]
    public async Task An_empty_builder_gets_Kestrel()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single());
    }

    [Fact]
    public async Task A_slim_builder_works()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single());
    }

    [Fact]
    public async Task The_generic_host_works()
    {
        using var host = Host.CreateDefaultBuilder()
            .ConfigureLogging(logging => logging.ClearProviders())
            .ConfigureWebHostDefaults(web => web
                .UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"))
                .Configure(app => app.Run(context => context.Response.WriteAsync(context.Request.Path))))
            .Build();
        await host.StartAsync().WithTimeoutAsync();

        var addresses = host.Services.GetRequiredService<IServer>().Features
            .Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()!.Addresses;
        await HostedApp.AssertAnswersAsync(addresses.Single());
        await host.StopAsync().WithTimeoutAsync();
    }

    [Fact]
    public void A_generic_host_without_any_server_is_told_to_get_one()
    {
        var builder = new HostBuilder().ConfigureWebHost(web => web.UseUwsgi().Configure(_ => { }));

        var failure = Assert.Throws<InvalidOperationException>(builder.Build);

        Assert.Contains("UseKestrelCore()", failure.Message);
    }

    [Fact]
    public async Task A_server_that_ignores_sockets_is_named_in_a_warning()
    {
        using var logs = new LogSink();
        var builder = HostedApp.CreateBuilder(logs);
        builder.WebHost.UseTestServer();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var app = await HostedApp.StartAsync(builder);

        var warning = Assert.Single(logs.Find("InnerServerIgnoresSockets"));
        Assert.Equal(LogLevel.Warning, warning.Level);
        Assert.Contains(typeof(TestServer).FullName!, warning.Message);
    }

    [Fact]
    public async Task A_test_server_registered_later_runs_the_app_in_memory_and_opens_nothing()
    {
        using var logs = new LogSink();
        var port = HostedApp.FreePort();
        var builder = HostedApp.CreateBuilder(logs);
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add($"127.0.0.1:{port}"));
        builder.WebHost.UseTestServer();
        await using var app = await HostedApp.StartAsync(builder);

        Assert.Equal("/hello", await app.GetTestClient().GetStringAsync("/hello"));
        await HostedApp.AssertRefusesAsync($"uwsgi://127.0.0.1:{port}");
        logs.AssertNothingAbove(LogLevel.Information);
    }

    [Fact]
    public async Task Two_hosts_in_one_process_do_not_know_of_each_other()
    {
        var first = HostedApp.CreateBuilder();
        first.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var firstApp = first.Build();
        firstApp.Run(context => context.Response.WriteAsync("first"));
        await firstApp.StartAsync().WithTimeoutAsync();
        var second = HostedApp.CreateBuilder();
        second.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var secondApp = second.Build();
        secondApp.Run(context => context.Response.WriteAsync("second"));
        await secondApp.StartAsync().WithTimeoutAsync();

        var fromFirst = await UwsgiClient.RequestAsync(firstApp.Urls.Single(), UwsgiPacket.Nginx());
        var fromSecond = await UwsgiClient.RequestAsync(secondApp.Urls.Single(), UwsgiPacket.Nginx());
        await firstApp.StopAsync().WithTimeoutAsync();
        var stillFromSecond = await UwsgiClient.RequestAsync(secondApp.Urls.Single(), UwsgiPacket.Nginx());

        Assert.Equal("first", fromFirst.Text);
        Assert.Equal("second", fromSecond.Text);
        Assert.Equal("second", stillFromSecond.Text);
    }
}
