using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Hosting;

[Trait("Item", "140")]
public sealed class AddressTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("uwsgi-addresses-").FullName;

    [Fact]
    public async Task Urls_of_all_schemes_are_served_side_by_side_and_listed_by_their_own_names()
    {
        using var logs = new LogSink();
        var path = Path.Combine(_directory, "app.sock");
        var builder = HostedApp.CreateBuilder(
            logs, "--urls", $"uwsgi://127.0.0.1:0;uwsgi://unix:{path};http://127.0.0.1:0;https://127.0.0.1:0");
        UseCertificate(builder);
        builder.UseUwsgi();
        await using var app = await HostedApp.StartAsync(builder);

        Assert.Equal(4, app.Urls.Count);
        await HostedApp.AssertAnswersAsync(app.Urls.Single(IsScheme("uwsgi://127.0.0.1:")));
        await HostedApp.AssertAnswersAsync(app.Urls.Single(url => url == $"uwsgi://unix:{path}"));
        await HostedApp.AssertAnswersHttpAsync(app.Urls.Single(IsScheme("http://127.0.0.1:")));
        await HostedApp.AssertAnswersHttpAsync(app.Urls.Single(IsScheme("https://127.0.0.1:")));
        Assert.All(app.Urls, url => Assert.False(url.EndsWith(":0", StringComparison.Ordinal)));

        // Kestrel warns when addresses are overridden by endpoints in code, which these are not.
        logs.AssertNothingAbove(LogLevel.Information);
        Assert.Equal(app.Urls.Order(), logs.Find("ListeningOnAddress").Select(entry => entry.Message[(entry.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..]).Order());
    }

    [Fact]
    public async Task A_url_for_all_protocols_is_served_and_listed_by_its_own_name()
    {
        using var logs = new LogSink();
        var builder = HostedApp.CreateBuilder(logs, "--urls", "gateway://127.0.0.1:0;http://127.0.0.1:0");
        builder.UseUwsgi();
        await using var app = await HostedApp.StartAsync(builder);

        var url = app.Urls.Single(IsScheme("gateway://127.0.0.1:"));
        await HostedApp.AssertAnswersAsync(url);
        await HostedApp.AssertAnswersHttpAsync(url.Replace("gateway://", "http://", StringComparison.Ordinal));
        Assert.Contains(logs.Find("ListeningOnAddress"), entry => entry.Message.EndsWith($": {url}", StringComparison.Ordinal));
        logs.AssertNothingAbove(LogLevel.Information);
    }

    [Fact]
    public async Task Sockets_of_the_options_leave_the_urls_alone()
    {
        using var logs = new LogSink();
        var builder = HostedApp.CreateBuilder(logs, "--urls", "http://127.0.0.1:0");
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single(IsScheme("uwsgi://")));
        await HostedApp.AssertAnswersHttpAsync(app.Urls.Single(IsScheme("http://")));
        logs.AssertNothingAbove(LogLevel.Information);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Addresses_may_be_added_to_the_app_itself(bool asArgument)
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi();
        await using var app = builder.Build();
        app.Run(context => context.Response.WriteAsync(context.Request.Path));
        if (!asArgument)
            app.Urls.Add("uwsgi://127.0.0.1:0");
        var run = asArgument ? app.RunAsync("uwsgi://127.0.0.1:0") : app.StartAsync();
        await app.Lifetime.ApplicationStarted.WaitForCancellationAsync();

        await HostedApp.AssertAnswersAsync(app.Urls.Single());
        app.Lifetime.StopApplication();
        await run.WithTimeoutAsync();
    }

    [Fact]
    public async Task Hosting_urls_that_are_preferred_do_not_silence_the_sockets()
    {
        var builder = HostedApp.CreateBuilder(null, "--urls", "http://127.0.0.1:0");
        builder.WebHost.PreferHostingUrls(true);
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single(IsScheme("uwsgi://")));
        await HostedApp.AssertAnswersHttpAsync(app.Urls.Single(IsScheme("http://")));
    }

    [Theory]
    [InlineData("uwsgi://nowhere", "neither host:port")]
    [InlineData("uwsgi://example.test:3031", "no IP address")]
    [InlineData("gopher://127.0.0.1:70;uwsgi://127.0.0.1:0", "Unrecognized scheme")]
    [InlineData("http://127.0.0.1:0/base;uwsgi://127.0.0.1:0", "UsePathBase")]
    public async Task A_url_that_cannot_be_served_fails_the_start_by_name(string urls, string reason)
    {
        var builder = HostedApp.CreateBuilder(null, "--urls", urls);
        builder.UseUwsgi();

        var failure = await Assert.ThrowsAnyAsync<Exception>(() => HostedApp.StartAsync(builder));

        Assert.Contains(reason, failure.Message);
        Assert.Contains(urls.Split(';')[0], failure.Message);
    }

    [Fact]
    public async Task All_interfaces_and_both_families_are_one_address()
    {
        var port = HostedApp.FreePort();
        using var logs = new LogSink();
        var builder = HostedApp.CreateBuilder(logs);
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add($":{port}"));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync($"uwsgi://127.0.0.1:{port}");
        if (Socket.OSSupportsIPv6)
            await HostedApp.AssertAnswersAsync($"uwsgi://[::1]:{port}");
        Assert.Contains($":{port}", logs.Find("OnlyLoopbackAllowed").Single().Message);
    }

    [Fact]
    public async Task Localhost_is_every_loopback_address()
    {
        var port = HostedApp.FreePort();
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add($"localhost:{port}"));
        await using var app = await HostedApp.StartAsync(builder);

        foreach (var url in app.Urls)
            await HostedApp.AssertAnswersAsync(url);
        Assert.Contains($"uwsgi://127.0.0.1:{port}", app.Urls);
    }

    [SkippableFact]
    [Trait("Item", "138")]
    public async Task An_abstract_name_is_served_and_listed_so_that_it_can_be_used_again()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "Abstract sockets exist on Linux only.");
        var name = $"@uwsgi-test-{Guid.NewGuid():N}";
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add(name));
        await using (var app = await HostedApp.StartAsync(builder))
        {
            Assert.Equal($"uwsgi://{name}", app.Urls.Single());
            await HostedApp.AssertAnswersAsync(app.Urls.Single());
        }

        Assert.False(File.Exists(Path.GetFullPath(name)));
        var again = HostedApp.CreateBuilder(null, "--urls", $"uwsgi://{name}");
        again.UseUwsgi();
        await using var second = await HostedApp.StartAsync(again);
        await HostedApp.AssertAnswersAsync($"uwsgi://{name}");
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Item", "138")]
    public async Task An_inherited_descriptor_is_served(bool isUnix)
    {
        Skip.If(OperatingSystem.IsWindows(), "Descriptors are inherited on Unix only.");
        var path = Path.Combine(_directory, "inherited.sock");
        using var inherited = isUnix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        inherited.Bind(isUnix ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(IPAddress.Loopback, 0));
        inherited.Listen();
        var endPoint = inherited.LocalEndPoint!;
        var descriptor = Duplicate((int)inherited.Handle);

        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add($"fd://{descriptor}"));
        await using var app = await HostedApp.StartAsync(builder);

        var response = await UwsgiClient.RequestAsync(endPoint, UwsgiPacket.Nginx(target: "/hello"));

        Assert.Equal("/hello", response.Text);
    }

    [Fact]
    public async Task An_endpoint_of_Kestrel_serves_uwsgi_in_place_of_HTTP()
    {
        var builder = HostedApp.CreateBuilder();
        builder.UseUwsgi();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => Assert.Same(listen, listen.UseUwsgi())));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single());
    }

    [Fact]
    public void An_endpoint_of_Kestrel_without_the_hosts_part_is_told_what_is_missing()
    {
        var builder = HostedApp.CreateBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseUwsgi()));

        var failure = Assert.Throws<InvalidOperationException>(() => builder.Build().Services.GetService(typeof(Microsoft.AspNetCore.Hosting.Server.IServer)));

        Assert.Contains("builder.WebHost.UseUwsgi()", failure.Message);
    }

    [Fact]
    public async Task An_endpoint_of_the_Kestrel_section_serves_uwsgi()
    {
        var builder = HostedApp.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(
        [
            new("Kestrel:Endpoints:Gateway:Url", "http://127.0.0.1:0"),
            new("Kestrel:Endpoints:Web:Url", "http://127.0.0.1:0"),
        ]);
        builder.UseUwsgi();
        builder.WebHost.ConfigureKestrel(
            kestrel => kestrel.ConfigurationLoader!.Endpoint("Gateway", endpoint => endpoint.ListenOptions.UseUwsgi()));
        await using var app = await HostedApp.StartAsync(builder);

        var urls = app.Urls.ToArray();
        await HostedApp.AssertAnswersAsync(urls[0]);
        await HostedApp.AssertAnswersHttpAsync(urls[1]);
    }

    [Fact]
    public async Task Sockets_of_the_options_stand_beside_endpoints_of_the_Kestrel_section()
    {
        var builder = HostedApp.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("Kestrel:Endpoints:Web:Url", "http://127.0.0.1:0")]);
        builder.UseUwsgi(uwsgi => uwsgi.Sockets.Add("127.0.0.1:0"));
        await using var app = await HostedApp.StartAsync(builder);

        await HostedApp.AssertAnswersAsync(app.Urls.Single(IsScheme("uwsgi://")));
        await HostedApp.AssertAnswersHttpAsync(app.Urls.Single(IsScheme("http://")));
    }

    [Fact]
    public async Task TLS_in_front_of_uwsgi_is_seen_by_the_app()
    {
        var builder = HostedApp.CreateBuilder();
        UseCertificate(builder);
        builder.UseUwsgi();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps().UseUwsgi()));
        await using var app = builder.Build();
        app.Run(context => context.Response.WriteAsync($"{context.Features.Get<ITlsHandshakeFeature>()!.Protocol}"));
        await app.StartAsync().WithTimeoutAsync();

        using var client = await UwsgiClient.ConnectAsync(app.Urls.Single());
        await using var tls = await SecureAsync(client);
        await tls.WriteAsync(UwsgiPacket.Nginx().ToArray());

        Assert.Equal($"{tls.SslProtocol}", RawResponse.Parse(await ReadToEndAsync(tls)).Text);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1, "1.1")]
    [InlineData(HttpProtocols.Http1AndHttp2, "2.0")]
    public async Task TLS_in_front_of_all_protocols_serves_HTTP_of_the_endpoints_versions_and_uwsgi(HttpProtocols protocols, string version)
    {
        var builder = HostedApp.CreateBuilder();
        UseCertificate(builder);
        builder.UseUwsgi();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.UseHttps().UseGateway();
            Assert.Equal(HttpProtocols.Http1, listen.Protocols);
            listen.Protocols = protocols;
        }));
        await using var app = await HostedApp.StartAsync(builder);
        var url = app.Urls.Single();

        using var http = HostedApp.CreateHttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(url), "/hello"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        using var response = await http.SendAsync(request).WithTimeoutAsync();
        using var client = await UwsgiClient.ConnectAsync(url);
        await using var tls = await SecureAsync(client);
        await tls.WriteAsync(UwsgiPacket.Nginx(target: "/hello").ToArray());

        Assert.StartsWith("https://", url);
        Assert.Equal("/hello", await response.Content.ReadAsStringAsync());
        Assert.Equal(version, response.Version.ToString());
        Assert.Equal("/hello", RawResponse.Parse(await ReadToEndAsync(tls)).Text);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static Func<string, bool> IsScheme(string start) => url => url.StartsWith(start, StringComparison.Ordinal);

    private static async Task<SslStream> SecureAsync(UwsgiClient client)
    {
        var tls = new SslStream(new NetworkStream(client.Socket));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
#pragma warning disable MA0039, CA5359 // Any certificate will do here.
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
#pragma warning restore MA0039, CA5359
        }).WithTimeoutAsync();
        return tls;
    }

    private static async Task<byte[]> ReadToEndAsync(Stream stream)
    {
        var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes).WithTimeoutAsync();
        return bytes.ToArray();
    }

    private static int Duplicate(int descriptor)
    {
        var copy = NativeMethods.Duplicate(descriptor);
        Assert.True(copy >= 0);
        return copy;
    }

    private void UseCertificate(WebApplicationBuilder builder)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var file = Path.Combine(_directory, "localhost.pem");
        File.WriteAllText(file, certificate.ExportCertificatePem());
        File.WriteAllText(file + ".key", key.ExportPkcs8PrivateKeyPem());
        builder.Configuration.AddInMemoryCollection(
        [
            new("Kestrel:Certificates:Default:Path", file),
            new("Kestrel:Certificates:Default:KeyPath", file + ".key"),
        ]);
    }

    private static class NativeMethods
    {
#pragma warning disable SYSLIB1054 // The source generator would need unsafe code.
        [DllImport("libc", EntryPoint = "dup")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Duplicate(int descriptor);
#pragma warning restore SYSLIB1054
    }
}
