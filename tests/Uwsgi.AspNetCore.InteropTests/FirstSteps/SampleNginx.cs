using System.Net;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>nginx with a sample's own configuration, of which nothing but the addresses is changed.</summary>
internal sealed class SampleNginx : WebServerProcess
{
    private const string Listen = "127.0.0.1:8000";

    private readonly string _configuration;
    private readonly DocumentedAddresses _upstream;

    private SampleNginx(string program, string configuration, DocumentedAddresses upstream)
        : base(program)
    {
        _configuration = configuration;
        _upstream = upstream;
    }

    /// <summary>Gets the address nginx listens on, with the one its configuration file names.</summary>
    public (string Documented, EndPoint Actual) Address => (Listen, this[Listen]);

    protected override (string Argument, Func<string, string> Parse) VersionCommand =>
        ("-v", output => output[output.IndexOf("nginx/", StringComparison.Ordinal)..].Trim());

    public static async Task<SampleNginx> StartAsync(string configurationFile, (string Documented, EndPoint Actual) upstream)
    {
        var text = await File.ReadAllTextAsync(Repository.PathOf(configurationFile));
        Assert.Contains($"listen {Listen};", text);
        Assert.Contains($"uwsgi_pass {upstream.Documented};", text);
        var nginx = new SampleNginx(RequiredProgram.Find("nginx", "nginx"), text, new DocumentedAddresses(upstream));
        await nginx.StartAsync([Listen]);
        return nginx;
    }

    protected override IEnumerable<string> Configure()
    {
        File.WriteAllText(Directory["nginx.conf"], new DocumentedAddresses(Address).ToActual(_upstream.ToActual(_configuration)));
        return ["-p", Directory.Path, "-c", Directory["nginx.conf"]];
    }

    protected override bool IsReady(string line) => line.Contains("start worker process ", StringComparison.Ordinal);
}
