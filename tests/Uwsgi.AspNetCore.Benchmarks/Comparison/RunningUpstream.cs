using System.Diagnostics;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A started <see cref="Upstream"/>.</summary>
/// <param name="process">The process whose time, with its children's, counts.</param>
/// <param name="address">The address as nginx writes it: <c>unix:/path</c> or <c>127.0.0.1:port</c>.</param>
internal sealed class RunningUpstream(Process process, string address) : IAsyncDisposable
{
    public Process Process => process;

    public string Address => address;

    public async ValueTask DisposeAsync()
    {
        process.StandardInput.Close();
        await ProcessTree.EndAsync(process);
    }
}
