using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Apache;

/// <summary>A small app behind Apache with one of the samples' files.</summary>
internal sealed class ApacheSite(WebApplication app, ApacheFrontEnd apache) : IAsyncDisposable
{
    public EndPoint EndPoint => apache.Address.Actual;

    public ApacheFrontEnd Apache => apache;

    /// <summary>Starts both.</summary>
    /// <param name="file">The file below <c>samples/FrontEnds/apache</c>.</param>
    /// <param name="run">What the app does with a request.</param>
    /// <param name="edit">What is changed in the file.</param>
    /// <param name="configure">What is set in the app besides the address.</param>
    public static async Task<ApacheSite> StartAsync(
        string file, RequestDelegate run, Func<string, string>? edit = null, Action<UwsgiOptions>? configure = null)
    {
        var documented = GetDocumentedAddress(file);
        var app = await TestApp.StartAsync(
            uwsgi =>
            {
                GetSockets(uwsgi, file).Add("127.0.0.1:0");
                uwsgi.AllowUpgrade = false;
                configure?.Invoke(uwsgi);
            },
            app => app.Run(run));
        try
        {
            var url = app.Urls.Single();
            var endPoint = IPEndPoint.Parse(url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..]);
            return new ApacheSite(app, await ApacheFrontEnd.StartAsync(file, (documented, endPoint), edit ?? (text => text)));
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends one request on a connection of its own.</summary>
    public Task<RawResponse> SendAsync(RawRequest request) => RawHttpConnection.SendAsync(EndPoint, request);

    public Task<RawResponse> GetAsync(string target) => SendAsync(new RawRequest("GET", target));

    public async ValueTask DisposeAsync()
    {
        await apache.DisposeAsync();
        await app.DisposeAsync();
    }

    private static string GetDocumentedAddress(string file) => file switch
    {
        "uwsgi.conf" => "127.0.0.1:3032",
        "scgi.conf" => "127.0.0.1:4000",
        _ => "127.0.0.1:9000",
    };

    private static IList<string> GetSockets(UwsgiOptions uwsgi, string file) => file switch
    {
        "uwsgi.conf" => uwsgi.Sockets,
        "scgi.conf" => uwsgi.ScgiSockets,
        _ => uwsgi.FastCgiSockets,
    };
}
