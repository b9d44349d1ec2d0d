using System.Net;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>An app in a process of its own, as a reader starts it, and the addresses it says it listens on.</summary>
internal sealed class ListeningApp : IAsyncDisposable
{
    private const string Prefix = "Now listening on: ";

    private readonly ForegroundProcess _process;

    private ListeningApp(ForegroundProcess process) => _process = process;

    /// <summary>Starts an app with <c>dotnet run</c> and waits until it accepts requests.</summary>
    public static async Task<ListeningApp> StartAsync(IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        var process = ForegroundProcess.Start("dotnet", ["run", .. arguments], environment);
        if (await process.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal)) is null)
        {
            await process.DisposeAsync();
            throw new InvalidOperationException($"The app did not start:\n{process.Output}");
        }

        return new ListeningApp(process);
    }

    /// <summary>Gets the address the app listens on with a scheme.</summary>
    public EndPoint this[string scheme] => FindAddress(_process.Output, scheme);

    /// <summary>Finds an address with a scheme in what an app has written.</summary>
    public static EndPoint FindAddress(string output, string scheme)
    {
        var start = $"{Prefix}{scheme}://";
        var line = output.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"The app does not listen on {scheme}:\n{output}");
        return IPEndPoint.Parse(line[start.Length..]);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
