using System.Net;
using System.Text.RegularExpressions;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FrontEnds;

/// <summary>lighttpd with a configuration file of the samples.</summary>
internal sealed class LighttpdFrontEnd : FrontEndServer
{
    private readonly (string Documented, EndPoint Actual)[] _upstreams;
    private readonly (string Documented, string Actual)[] _edits;

    private LighttpdFrontEnd(
        string program, string file, (string Documented, EndPoint Actual)[] upstreams, (string Documented, string Actual)[] edits)
        : base(program, file, upstreams.FirstOrDefault()) => (_upstreams, _edits) = (upstreams, edits);

    protected override (string Argument, Func<string, string> Parse) VersionCommand => ("-v", output => output.Split(' ')[0]);

    /// <summary>Starts lighttpd.</summary>
    /// <param name="file">The configuration file, from the top of the repository.</param>
    /// <param name="upstreams">The apps' addresses as the file has them, and those to use.</param>
    /// <param name="edits">What else a reader of the file would change, such as the path of the app, or a line that is commented out.</param>
    public static async Task<LighttpdFrontEnd> StartAsync(
        string file, (string Documented, EndPoint Actual)[] upstreams, params (string Documented, string Actual)[] edits)
    {
        var lighttpd = new LighttpdFrontEnd(RequiredProgram.Find("lighttpd", "lighttpd"), file, upstreams, edits);
        await lighttpd.StartAsync();
        return lighttpd;
    }

    // lighttpd writes an address on two lines; all of them are loopback.
    protected override string UseActualAddresses(string text)
    {
        text = ReplacePort(text, "server.port +=", Address);
        text = _upstreams.Aggregate(text, (result, upstream) => ReplacePort(result, "\"port\" +=>", upstream));
        return _edits.Aggregate(text, (result, edit) =>
        {
            Assert.Contains(edit.Documented, result);
            return result.Replace(edit.Documented, edit.Actual, StringComparison.Ordinal);
        });
    }

    protected override IEnumerable<string> GetArguments(string configuration) => ["-D", "-f", configuration];

    protected override bool IsReady(string line) => line.Contains("server started", StringComparison.Ordinal);

    private static string ReplacePort(string text, string assignment, (string Documented, EndPoint Actual) address)
    {
        var pattern = $@"(?<={assignment} ){IPEndPoint.Parse(address.Documented).Port}\b";
        Assert.Matches(pattern, text);
        return Regex.Replace(text, pattern, $"{((IPEndPoint)address.Actual).Port}", RegexOptions.None, TimeSpan.FromSeconds(1));
    }
}
