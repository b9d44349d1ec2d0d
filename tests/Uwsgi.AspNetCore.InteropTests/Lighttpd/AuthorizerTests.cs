using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Lighttpd;

/// <summary>An app that decides, over FastCGI, what another one may answer, over SCGI.</summary>
public sealed class AuthorizerTests
{
    private const string File = "samples/FrontEnds/lighttpd/authorizer.conf";

    [SkippableFact]
    public async Task Authorizer_Allows_AppAnswersAndSeesItsVariables()
    {
        await using var site = await StartAsync();

        var response = await site.SendAsync(new RawRequest("POST", "/orders/7?a=b").With("Authorization", "ann").WithBody("the body"));

        Assert.Equal((200, "ann sent the body to /orders/7?a=b"), (response.Status, response.Text));
        Assert.DoesNotContain(response.Headers, header => header.Name.StartsWith("Variable-", StringComparison.OrdinalIgnoreCase));
    }

    [SkippableFact]
    public async Task Authorizer_Refuses_ItsAnswerIsSentAndTheAppNotAsked()
    {
        await using var site = await StartAsync();

        var response = await site.SendAsync(new RawRequest("POST", "/orders/7").With("Authorization", "bob").WithBody("the body"));

        Assert.Equal((403, "Not you."), (response.Status, response.Text));
        Assert.Equal("Basic", response["WWW-Authenticate"]);
        Assert.Equal(0, site.Answered);
    }

    [SkippableFact]
    public async Task Authorizer_Redirects_ClientIsSentToTheLogin()
    {
        await using var site = await StartAsync();

        var response = await site.SendAsync(new RawRequest("GET", "/orders/7"));

        Assert.Equal((302, "/login?to=/orders/7"), (response.Status, response["Location"]));
    }

    private static async Task<Site> StartAsync()
    {
        var site = new Site();
        try
        {
            await site.StartAsync();
            return site;
        }
        catch
        {
            await site.DisposeAsync();
            throw;
        }
    }

    private sealed class Site : IAsyncDisposable
    {
        private WebApplication? _app;
        private LighttpdFrontEnd? _lighttpd;
        private int _answered;

        public int Answered => _answered;

        public async Task StartAsync()
        {
            _app = await TestApp.StartAsync(
                uwsgi =>
                {
                    uwsgi.FastCgiSockets.Add("127.0.0.1:0");
                    uwsgi.ScgiSockets.Add("127.0.0.1:0");
                },
                app => app.Run(context => context.Features.Get<IFastCgiFeature>()?.Role == FastCgiRole.Authorizer ? DecideAsync(context) : AnswerAsync(context)));
            _lighttpd = await LighttpdFrontEnd.StartAsync(File, [("127.0.0.1:9000", GetAddress("fastcgi://")), ("127.0.0.1:4000", GetAddress("scgi://"))]);
        }

        public Task<RawResponse> SendAsync(RawRequest request) => RawHttpConnection.SendAsync(_lighttpd!.Address.Actual, request);

        public async ValueTask DisposeAsync()
        {
            if (_lighttpd is not null)
            {
                await _lighttpd.DisposeAsync();
            }

            if (_app is not null)
            {
                await _app.DisposeAsync();
            }
        }

        private static async Task DecideAsync(HttpContext context)
        {
            Assert.Equal(0, await context.Request.Body.ReadAsync(new byte[1]));
            switch (context.Request.Headers.Authorization.ToString())
            {
                case "ann":
                    context.Response.Headers["Variable-SHOP_USER"] = "ann";
                    break;
                case "":
                    context.Response.Redirect("/login?to=" + context.Request.Path);
                    break;
                default:
                    context.Response.StatusCode = 403;
                    context.Response.Headers.WWWAuthenticate = "Basic";
                    await context.Response.WriteAsync("Not you.");
                    break;
            }
        }

        private async Task AnswerAsync(HttpContext context)
        {
            Interlocked.Increment(ref _answered);
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync();
            await context.Response.WriteAsync($"{context.GetServerVariable("SHOP_USER")} sent {body} to {context.Request.GetEncodedPathAndQuery()}");
        }

        private IPEndPoint GetAddress(string scheme) =>
            LighttpdSite.GetAddress(_app!.Urls.Single(url => url.StartsWith(scheme, StringComparison.Ordinal)));
    }
}
