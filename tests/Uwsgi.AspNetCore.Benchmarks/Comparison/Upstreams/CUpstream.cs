using System.Diagnostics;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison.Upstreams;

/// <summary>The floor: <c>responder.c</c>, which looks for the end of a uwsgi request and for nothing else.</summary>
internal sealed class CUpstream : Upstream
{
    public override string? Missing => Tool.Gcc.IsMissing ? "gcc" : null;

    public override bool Serves(Scenario scenario) => scenario.Name == Scenario.HelloName;

    public override async Task<RunningUpstream> StartAsync(UpstreamSite site)
    {
        var source = Path.Combine(site.Directory, "responder.c");
        var program = Path.ChangeExtension(source, null);
        await File.WriteAllBytesAsync(source, Resource.Read("responder.c"));
        using var compiler = Process.Start(Tool.Gcc.Path, ["-O2", "-o", program, source]);
        await compiler.WaitForExitAsync();
        return compiler.ExitCode == 0
            ? await StartListeningAsync(new ProcessStartInfo(program, [site.Address]))
            : throw new CommandException("gcc did not compile responder.c; its own message is above");
    }
}
