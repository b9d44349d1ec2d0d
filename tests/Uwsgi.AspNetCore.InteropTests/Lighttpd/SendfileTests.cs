using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.Lighttpd;

/// <summary>Apps that name a file in X-Sendfile instead of sending it.</summary>
public sealed class SendfileTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    public static TheoryData<GatewayProtocol> Protocols => LighttpdSite.Protocols;

    public void Dispose() => _files.Dispose();

    [SkippableTheory]
    [MemberData(nameof(Protocols))]
    public async Task Sendfile_Off_HeaderIsDroppedAndTheAppsBodySent(GatewayProtocol protocol)
    {
        await using var site = await LighttpdSite.StartAsync(protocol, NameFile);

        var response = await site.GetAsync("/secret.txt");

        Assert.Equal((200, "the app's own body"), (response.Status, response.Text));
        Assert.Null(response["X-Sendfile"]);
    }

    [SkippableTheory]
    [MemberData(nameof(Protocols))]
    public async Task Sendfile_On_FileIsSent(GatewayProtocol protocol)
    {
        await File.WriteAllTextAsync(_files["report.txt"], "the file's text");
        await using var site = await StartWithSendfileAsync(protocol);

        var response = await site.GetAsync("/report.txt");

        Assert.Equal((200, "the file's text"), (response.Status, response.Text));
        Assert.Equal("15", response["Content-Length"]);
        Assert.Equal("kept", response["X-Own"]);
        Assert.Null(response["X-Sendfile"]);
    }

    [SkippableTheory]
    [MemberData(nameof(Protocols))]
    public async Task Sendfile_OutsideTheFolder_IsForbidden(GatewayProtocol protocol)
    {
        await using var site = await StartWithSendfileAsync(protocol);

        Assert.Equal(403, (await site.GetAsync("/outside")).Status);
    }

    private Task<LighttpdSite> StartWithSendfileAsync(GatewayProtocol protocol) => LighttpdSite.StartAsync(
        protocol,
        NameFile,
        configure: null,
        ("# \"x-sendfile\" => \"enable\"", "\"x-sendfile\" => \"enable\""),
        ("# \"x-sendfile-docroot\" => ( \"/srv/files\" )", $"\"x-sendfile-docroot\" => ( \"{_files.Path}\" )"));

    private void NameFile(WebApplication app) => app.Run(context =>
    {
        context.Response.Headers["X-Sendfile"] = context.Request.Path == "/outside" ? "/etc/hostname" : _files.Path + context.Request.Path;
        context.Response.Headers["X-Own"] = "kept";
        return context.Response.WriteAsync("the app's own body");
    });
}
