using Microsoft.AspNetCore.Builder;
using Uwsgi.AspNetCore.InteropTests.Apache;
using Uwsgi.AspNetCore.InteropTests.Http;
using Uwsgi.AspNetCore.InteropTests.Lighttpd;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.StaticFiles;

/// <summary>Files that real web servers send for the app.</summary>
public sealed class FileHandOffTests(ITestOutputHelper output) : IDisposable
{
    private readonly HandOffFiles _files = new();

    public static TheoryData<GatewayProtocol> Protocols => [GatewayProtocol.Uwsgi, GatewayProtocol.FastCgi, GatewayProtocol.Scgi];

    public void Dispose() => _files.Dispose();

    [SkippableTheory]
    [InlineData("uwsgi")]
    [InlineData("fastcgi")]
    [InlineData("scgi")]
    [InlineData("http")]
    public async Task Nginx_InternalLocation_SendsTheFiles(string protocol)
    {
        await using var app = await TestApp.StartAsync(
            options =>
            {
                _files.Configure(options, FileServeMode.XAccelRedirect, "/protected area");
                options.AutoSockets.Add("127.0.0.1:0");
            },
            app => app.Run(_files.AnswerAsync));
        var pass = protocol == "http"
            ? $"proxy_pass http://{app.GetAddress("gateway")};"
            : $"include {protocol}_params; {protocol}_pass {app.GetAddress("gateway")};";
        await using var nginx = await NginxServer.StartAsync("site", $$"""
            location / { {{pass}} }
            location "/protected area/" {
                internal;
                alias {{_files.Path}}/;
            }
            """);
        output.WriteLine(nginx.Version);

        await HandOffFiles.CheckAsync(SendAsync);

        // Not for clients; and what is not mapped comes from the app.
        Assert.Equal(404, (await SendAsync(new RawRequest("GET", "/protected%20area/www/letters.txt"))).Status);
        Assert.Equal(HandOffFiles.Letters, (await SendAsync(new RawRequest("GET", "/other"))).Text);

        // nginx has an ETag of its own, the proof that it is its file.
        var ours = (await SendAsync(new RawRequest("GET", "/other")))["ETag"];
        Assert.Null(ours);
        Assert.Equal("\"65937d25-1a\"", (await SendAsync(new RawRequest("GET", "/send")))["ETag"]);

        Task<RawResponse> SendAsync(RawRequest request) => RawHttpConnection.SendAsync(nginx["site"], request);
    }

    [SkippableTheory]
    [MemberData(nameof(Protocols))]
    public async Task Lighttpd_Sendfile_SendsTheFiles(GatewayProtocol protocol)
    {
        await using var site = await LighttpdSite.StartAsync(
            protocol,
            app => app.Run(_files.AnswerAsync),
            options => _files.Configure(options, FileServeMode.XSendfile, _files.Path),
            ("# \"x-sendfile\" => \"enable\"", "\"x-sendfile\" => \"enable\""),
            ("# \"x-sendfile-docroot\" => ( \"/srv/files\" )", $"\"x-sendfile-docroot\" => ( \"{_files.Path}\" )"));

        await HandOffFiles.CheckAsync(request => RawHttpConnection.SendAsync(site.EndPoint, request));
        Assert.Equal(HandOffFiles.Letters, (await site.GetAsync("/other")).Text);
    }

    [SkippableTheory]
    [InlineData("uwsgi.conf")]
    [InlineData("fastcgi.conf")]
    [InlineData("scgi.conf")]
    public async Task Apache_ModXSendfile_SendsTheFiles(string file)
    {
        const string Module = "/usr/lib/apache2/modules/mod_xsendfile.so";
        RequiredProgram.Find(Module, "libapache2-mod-xsendfile");
        await using var site = await ApacheSite.StartAsync(
            file,
            _files.AnswerAsync,
            text => text + $"""

                LoadModule xsendfile_module {Module}
                XSendFile On
                XSendFilePath {_files.Path}

                """,
            options => _files.Configure(options, FileServeMode.XSendfile, target: null));

        // Its version 0.12 decodes nothing, so that only names which need no encoding are found.
        await HandOffFiles.CheckAsync(site.SendAsync, decodesNames: false);
    }

    [SkippableFact]
    public async Task Apache_ProxyScgiSendfile_SendsTheFiles()
    {
        await using var site = await ApacheSite.StartAsync(
            "scgi.conf",
            _files.AnswerAsync,
            text => text + $"""

                ProxySCGISendfile On
                <Directory "{_files.Path}">
                    Require all granted
                </Directory>

                """,
            options => _files.Configure(options, FileServeMode.XSendfile, _files.Path));

        // The answer of a subrequest: whole files only, and names as they stand.
        await HandOffFiles.CheckAsync(site.SendAsync, decodesNames: false, ranges: false);
    }
}
