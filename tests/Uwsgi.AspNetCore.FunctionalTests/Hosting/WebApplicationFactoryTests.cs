using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

/// <summary>The app of Program.cs, unchanged, under the test host that its own tests would use.</summary>
[Trait("Item", "140")]
public class WebApplicationFactoryTests
{
    [Fact]
    public async Task The_default_factory_runs_the_app_in_memory_and_opens_no_socket()
    {
        var port = HostedApp.FreePort();
        await using var factory = new WebApplicationFactory<WebApplicationFactoryTests>()
            .WithWebHostBuilder(web => web.UseContentRoot(AppContext.BaseDirectory).UseSetting("Uwsgi:Sockets", $"127.0.0.1:{port}"));

        using var client = factory.CreateClient();
        var response = await client.GetAsync("/books/1");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await HostedApp.AssertRefusesAsync($"uwsgi://127.0.0.1:{port}");
    }

    [Fact]
    public async Task A_factory_on_Kestrel_fails_the_start_and_says_what_to_do()
    {
        await using var factory = new WebApplicationFactory<WebApplicationFactoryTests>()
            .WithWebHostBuilder(web => web.UseContentRoot(AppContext.BaseDirectory).UseSetting("Uwsgi:Sockets", "127.0.0.1:0"));
        factory.UseKestrel();

        var failure = Assert.Throws<InvalidOperationException>(factory.StartServer);

        Assert.Contains("Call UseUwsgi() after UseKestrel()", failure.Message);
    }

    [Fact]
    public async Task A_factory_on_Kestrel_with_a_second_UseUwsgi_serves_the_sockets()
    {
        await using var factory = new KestrelFactory();
        factory.UseKestrel();
        factory.StartServer();
        var address = factory.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Single(url => url.StartsWith("uwsgi://", StringComparison.Ordinal));

        using var client = new HttpClient(new UwsgiMessageHandler(address)) { BaseAddress = new Uri("http://books.test") };
        var response = await client.GetAsync("/books/1");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("""{"id":1,"server":"books.test"}""", await response.Content.ReadAsStringAsync());
    }

    private sealed class KestrelFactory : WebApplicationFactory<WebApplicationFactoryTests>
    {
        protected override IHost CreateHost(IHostBuilder builder)
        {
            builder.ConfigureWebHost(web => web.UseContentRoot(AppContext.BaseDirectory).UseSetting("Uwsgi:Sockets", "127.0.0.1:0").UseUwsgi());
            return base.CreateHost(builder);
        }
    }
}
