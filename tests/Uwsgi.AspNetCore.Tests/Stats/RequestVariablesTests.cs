using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Primitives;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Stats;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Stats;

public class RequestVariablesTests
{
    private const int Headers = 24;
    private const int Snapshots = 2000;

    [Fact]
    public void TryRead_GatewayRequest_GivesWhatWasSentInItsOrder()
    {
        var packet = new UwsgiPacket().Add("REQUEST_METHOD", "GET").Add("X", "1").Add("HTTP_HOST", "shop.test").Add("X", "").Add("UWSGI_FILE", "/a b");

        Assert.Equal(["REQUEST_METHOD=GET", "X=1", "HTTP_HOST=shop.test", "X=", "UWSGI_FILE=/a b"], Read(StatsRequests.Gateway(packet)));
    }

    [Fact]
    public void TryRead_HttpRequest_GivesItsCgiVariables()
    {
        var context = new DefaultHttpContext
        {
            Request =
            {
                Method = "POST", Scheme = "https", PathBase = "/shop", Path = "/orders", QueryString = new QueryString("?a=b&access_token=x"), Protocol = "HTTP/2",
                Host = new HostString("shop.test"), ContentType = "text/plain", ContentLength = 7,
                Headers = { ["X-Tag"] = new StringValues(["one", "two"]), Cookie = "secret" },
            },
            Connection = { RemoteIpAddress = IPAddress.Parse("192.0.2.7"), RemotePort = 4711 },
        };

        Assert.Equal(
            [
                "REQUEST_METHOD=POST", "REQUEST_URI=/shop/orders?a=b&access_token=***", "PATH_INFO=/orders", "QUERY_STRING=a=b&access_token=***",
                "SERVER_PROTOCOL=HTTP/2", "REQUEST_SCHEME=https", "SCRIPT_NAME=/shop", "HTTPS=on", "REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=4711",
                "SERVER_NAME=shop.test", "CONTENT_TYPE=text/plain", "CONTENT_LENGTH=7", "HTTP_COOKIE=***", "HTTP_HOST=shop.test", "HTTP_X_TAG=one, two",
            ],
            Read(context).Take(13).Concat(Read(context).Skip(13).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("HTTP_COOKIE")]
    [InlineData("HTTP_COOKIE2")]
    [InlineData("http_cookie")]
    [InlineData("HTTP_AUTHORIZATION")]
    [InlineData("HTTP_PROXY_AUTHORIZATION")]
    [InlineData("REDIRECT_HTTP_AUTHORIZATION")]
    [InlineData("SSL_CLIENT_CERT")]
    [InlineData("SSL_CLIENT_RAW_CERT")]
    [InlineData("SSL_CLIENT_CERT_CHAIN_0")]
    [InlineData("SSL_CLIENT_S_DN")]
    [InlineData("SSL_CLIENT_S_DN_Email")]
    [InlineData("SSL_CLIENT_M_SERIAL")]
    [InlineData("HTTP_X_SSL_CLIENT_DN")]
    [InlineData("HTTP_X_ARR_CLIENTCERT")]
    [InlineData("HTTP_X_CSRF_TOKEN")]
    [InlineData("HTTP_X_API_KEY")]
    [InlineData("HTTP_APIKEY")]
    [InlineData("HTTP_X_AUTH_KEY")]
    [InlineData("HTTP_X_FUNCTIONS_KEY")]
    [InlineData("HTTP_X_AMZN_OIDC_DATA")]
    [InlineData("HTTP_X_GOOG_IAP_JWT_ASSERTION")]
    [InlineData("DB_PASSWORD")]
    public void TryRead_Credentials_AreMasked(string name) =>
        Assert.Equal([$"{name}=***"], Read(StatsRequests.Gateway(new UwsgiPacket().Add(name, "secret"))));

    [Theory]
    [InlineData("REMOTE_USER", "ada")]
    [InlineData("AUTH_TYPE", "Basic")]
    [InlineData("SSL_CLIENT_VERIFY", "SUCCESS")]
    [InlineData("HTTP_X_SSL_CLIENT_VERIFY", "NONE")]
    [InlineData("SSL_PROTOCOL", "TLSv1.3")]
    [InlineData("HTTP_FORWARDED", "for=192.0.2.1;proto=https")]
    [InlineData("QUERY_STRING", "monkey=1&postcode=2&zip")]
    public void TryRead_AnythingElse_IsShown(string name, string value) =>
        Assert.Equal([$"{name}={value}"], Read(StatsRequests.Gateway(new UwsgiPacket().Add(name, value))));

    [Theory]
    [InlineData("/hub?id=1&access_token=abc", "/hub?id=1&access_token=***")]
    [InlineData("/cb?code=abc&state=s#x", "/cb?code=***&state=s#x")]
    [InlineData("?API-Key=abc", "?API-Key=***")]
    [InlineData("/?a%63cess%5Ftoken=abc", "/?a%63cess%5Ftoken=***")]
    [InlineData("/?password=", "/?password=***")]
    [InlineData("/?token", "/?token")]
    [InlineData("/?sig=abc,def;ghi%20jkl mno&page=2", "/?sig=***&page=2")]
    [InlineData("/?ticket=ST-1#top", "/?ticket=***#top")]
    [InlineData("/login?return=https%3A%2F%2Fx%2Fcb%3Fa%3Db%26code%3Dabc&lang=de", "/login?return=***&lang=de")]
    [InlineData("/login?return=%2Fcb%3Fa%3Db&lang=de", "/login?return=%2Fcb%3Fa%3Db&lang=de")]
    [InlineData("for=192.0.2.1, token=a b, c", "for=192.0.2.1, token=***")]
    [InlineData("=&==&token==a=b", "=&==&token=***")]
    public void MaskParameters_HidesCredentialsInUrls(string url, string expected) => Assert.Equal(expected, Redaction.MaskParameters(url));

    [Fact]
    public void TryRead_LongValuesAndManyVariables_AreCut()
    {
        var packet = new UwsgiPacket().Add("HTTP_X_LONG", new string('v', 5000));
        for (var i = 0; i < 14; i++)
            packet.Add($"HTTP_X_{i}", new string('w', 4000));
        var items = Read(StatsRequests.Gateway(packet));

        Assert.Equal($"HTTP_X_LONG={new string('v', 4096)}...", items[0]);
        Assert.Equal(8, items.Count);
    }

    [Fact]
    public void TryRead_FreeCore_IsFalse()
    {
        var worker = StatsRequests.NewWorker();
        var core = worker.Enter(new DefaultHttpContext());
        worker.Leave(core);

        Assert.False(new RequestVariables().TryRead(core));
    }

    [Fact]
    public void TryRead_HeadersThatThrow_ShowsWhatWasReadBefore()
    {
        var worker = StatsRequests.NewWorker();
        var core = worker.Enter(StatsRequests.Of(new FailingRequest()));
        var variables = new RequestVariables();

        Assert.True(variables.TryRead(core));
        Assert.Equal("REQUEST_METHOD=GET", variables.Items[0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TryRead_WhileRequestsComeAndGo_NeverMixesThem(bool isGateway)
    {
        var worker = StatsRequests.NewWorker();
        var finished = false;
        var writing = Task.Run(() =>
        {
            var gateway = new GatewayRequest(NullLogger.Instance) { Upgrades = new UpgradedConnections() };
            var http = new HttpRequestFeature();
            for (var i = 0; !Volatile.Read(ref finished); i++)
            {
                // The same objects for all requests, as on a server.
                var id = i.ToString("D6", CultureInfo.InvariantCulture);
                if (isGateway)
                    Fill(gateway, id);
                else
                    Fill(http, id);
                var core = worker.Enter(StatsRequests.Of(isGateway ? gateway : http));
                Thread.SpinWait(i % 500);
                worker.Leave(core);
                gateway.Variables.Reset();
            }
        });

        var variables = new RequestVariables();
        try
        {
            for (var seen = 0; seen < Snapshots;)
            {
                if (worker.Cores.IsEmpty || !variables.TryRead(worker.Cores[0]))
                    continue;

                seen++;
                var ids = variables.Items.Where(item => item.StartsWith("HTTP_", StringComparison.Ordinal)).Select(item => item.Split('=')[1]).ToArray();
                Assert.Equal(Headers, ids.Length);
                Assert.Single(ids.Distinct());

                // The bound of a whole document is not what this is about.
                variables = new RequestVariables();
            }
        }
        finally
        {
            Volatile.Write(ref finished, true);
            await writing.WithTimeoutAsync();
        }
    }

    private static void Fill(GatewayRequest request, string id)
    {
        var packet = new UwsgiPacket();
        for (var i = 0; i < Headers; i++)
            packet.Add($"HTTP_X_{i}", id);
        StatsRequests.Load(request, packet);
    }

    private static void Fill(HttpRequestFeature request, string id)
    {
        for (var i = 0; i < Headers; i++)
            request.Headers[$"X-{i}"] = id;
    }

    private static IReadOnlyList<string> Read(HttpContext context)
    {
        var variables = new RequestVariables();
        Assert.True(variables.TryRead(StatsRequests.NewWorker().Enter(context)));
        return variables.Items;
    }

    private sealed class FailingRequest : IHttpRequestFeature
    {
        public string Protocol { get; set; } = "HTTP/1.1";

        public string Scheme { get; set; } = "http";

        public string Method { get; set; } = "GET";

        public string PathBase { get; set; } = "";

        public string Path { get; set; } = "/";

        public string QueryString { get; set; } = "";

        public string RawTarget { get; set; } = "/";

        public IHeaderDictionary Headers
        {
            get => throw new InvalidOperationException("Collection was modified.");
            set => throw new NotSupportedException();
        }

        public Stream Body { get; set; } = Stream.Null;
    }
}
