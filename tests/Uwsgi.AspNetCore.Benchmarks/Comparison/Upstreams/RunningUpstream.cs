using System.Diagnostics;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

/// <summary>A started <see cref="Upstream"/>: ends with its standard input if that is ours, else when told to terminate.</summary>
/// <param name="process">The process whose time, with its children's, counts.</param>
/// <param name="address">The address as nginx writes it: <c>unix:/path</c> or <c>127.0.0.1:port</c>.</param>
internal sealed class RunningUpstream(Process process, string address) : IAsyncDisposable
{
    public Process Process => process;

    public string Address => address;

    public async ValueTask DisposeAsync()
    {
        if (process.StartInfo.RedirectStandardInput)
        {
            process.StandardInput.Close();
            await ProcessTree.EndAsync(process);
        }
        else
        {
            await ProcessTree.TerminateAsync(process);
        }
    }
}
