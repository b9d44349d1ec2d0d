using System.Net;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FrontEnds;

/// <summary>Apache httpd with a configuration file of the samples.</summary>
internal sealed class ApacheFrontEnd : FrontEndServer
{
    private readonly Func<string, string> _edit;

    private ApacheFrontEnd(string program, string file, (string Documented, EndPoint Actual) upstream, Func<string, string> edit)
        : base(program, file, upstream) => _edit = edit;

    protected override (string Argument, Func<string, string> Parse) VersionCommand =>
        ("-v", output => output.Split([':', '\n'], StringSplitOptions.TrimEntries)[1]);

    /// <summary>Starts Apache with a file below <c>samples/FrontEnds/apache</c> as it is.</summary>
    public static Task<ApacheFrontEnd> StartAsync(string file, (string Documented, EndPoint Actual) upstream) =>
        StartAsync(file, upstream, text => text);

    /// <summary>Starts Apache with a file below <c>samples/FrontEnds/apache</c>, changed the way its comments or the test suggest.</summary>
    public static async Task<ApacheFrontEnd> StartAsync(
        string file, (string Documented, EndPoint Actual) upstream, Func<string, string> edit)
    {
        var apache = new ApacheFrontEnd(RequiredProgram.Find("apache2", "apache2"), $"samples/FrontEnds/apache/{file}", upstream, edit);
        await apache.StartAsync();
        return apache;
    }

    protected override string UseActualAddresses(string text) => base.UseActualAddresses(_edit(text));

    protected override IEnumerable<string> GetArguments(string configuration) =>
        ["-D", "FOREGROUND", "-d", Directory.Path, "-f", configuration];

    // The listening sockets have been open for a while when the parent says so.
    protected override bool IsReady(string line) => line.Contains("resuming normal operations", StringComparison.Ordinal);
}
