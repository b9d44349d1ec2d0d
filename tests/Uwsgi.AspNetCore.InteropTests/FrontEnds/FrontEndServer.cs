using System.Net;
using Uwsgi.AspNetCore.InteropTests.FirstSteps;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.FrontEnds;

/// <summary>
/// A web server with one of the configuration files of the samples. Nothing but the addresses in it is changed: where the web
/// server listens, and where it finds the app.
/// </summary>
/// <param name="program">The web server's program.</param>
/// <param name="file">The configuration file, from the top of the repository.</param>
/// <param name="upstream">The app's address as the file has it, and the one to use.</param>
internal abstract class FrontEndServer(string program, string file, (string Documented, EndPoint Actual) upstream) : WebServerProcess(program)
{
    /// <summary>Where every file of the samples listens.</summary>
    public const string Listen = "127.0.0.1:8000";

    /// <summary>Gets the address the web server listens on, with the one its configuration file names.</summary>
    public (string Documented, EndPoint Actual) Address => (Listen, this[Listen]);

    protected Task StartAsync() => StartAsync([Listen]);

    protected override IEnumerable<string> Configure()
    {
        var text = File.ReadAllText(Repository.PathOf(file));
        var configuration = Directory[Path.GetFileName(file)];
        File.WriteAllText(configuration, UseActualAddresses(text));
        return GetArguments(configuration);
    }

    /// <summary>Puts the actual addresses in the place of the documented ones; for servers which write them in another way.</summary>
    protected virtual string UseActualAddresses(string text)
    {
        Assert.Contains(Listen, text);
        Assert.Contains(upstream.Documented, text);
        return new DocumentedAddresses(upstream, Address).ToActual(text);
    }

    /// <summary>Gets the command line that makes the program use a configuration file and stay in the foreground.</summary>
    protected abstract IEnumerable<string> GetArguments(string configuration);
}
