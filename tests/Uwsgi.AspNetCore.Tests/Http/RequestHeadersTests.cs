using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Testing;
using Packet = Uwsgi.AspNetCore.Testing.UwsgiPacket;
using UwsgiPacket = Uwsgi.AspNetCore.Protocols.Uwsgi.UwsgiPacket;

namespace Uwsgi.AspNetCore.Tests.Http;

public class RequestHeadersTests
{
    [Theory]
    [InlineData("HTTP_HOST", true)]
    [InlineData("HTTP_COOKIE", false)]
    [InlineData("HTTP_AUTHORIZATION", false)]
    [InlineData("HTTP_X_API_KEY", false)]
    public void Decode_SameValueAgain_IsTheSameStringWhereNoSecretIs(string variable, bool expected)
    {
        var headers = new RequestHeaders();
        string Read(string value)
        {
            headers.Reset();
            headers.Load(Decode(new Packet().Add(variable, value).ToBlock()), Settings());
            return headers.Single().Value.ToString();
        }

        var first = Read("example.test");
        Assert.Equal("exbmple.test", Read("exbmple.test"));
        Assert.Equal("example.test", Read("example.test"));
        var again = Read("example.test");

        Assert.Equal("example.test", first);
        Assert.Equal(expected, ReferenceEquals(again, Read("example.test")));
    }

    [Theory]
    [InlineData("HTTP_ACCEPT", "Accept")]
    [InlineData("HTTP_USER_AGENT", "User-Agent")]
    [InlineData("HTTP_X_FORWARDED_FOR", "X-Forwarded-For")]
    [InlineData("HTTP_MY_OWN_HEADER", "My-Own-Header")]
    [InlineData("HTTP_X", "X")]
    [InlineData("HTTP_X.DOT", "X.Dot")]
    [InlineData("HTTP_X!#$&'*^`|~", "X!#$&'*^`|~")]
    [InlineData("HTTP_X-Hyphen", "X-Hyphen")]
    [InlineData("HTTP_CONTENT_LENGTH_X", "Content-Length-X")]
    [InlineData("HTTP_CONTENT_ENCODING", "Content-Encoding")]
    [InlineData("HTTP_HTTP_HOST", "Http-Host")]
    [InlineData("HTTP_123", "123")]
    public void Load_HeaderVariable_IsThatHeader(string variable, string header)
    {
        var headers = Load(new Packet().Add(variable, "value"));

        Assert.Equal("value", headers[header]);
        Assert.Equal("value", headers[header.ToLowerInvariant()]);
        Assert.True(headers.ContainsKey(header.ToUpperInvariant()));
        Assert.Equal(header, Assert.Single(headers.Keys), ignoreCase: true);
    }

    [Theory]
    [InlineData("REMOTE_USER")]
    [InlineData("HTTP_")]
    [InlineData("HTTPS")]
    [InlineData("http_x")]
    [InlineData("SSL_CLIENT_CERT")]
    public void Load_OtherVariable_IsNoHeader(string variable) => Assert.Empty(Load(new Packet().Add(variable, "value")));

    [Theory]
    [InlineData("HTTP_X_SP ")]
    [InlineData("HTTP_ X")]
    [InlineData("HTTP_X:")]
    [InlineData("HTTP_X\r\nY")]
    [InlineData("HTTP_X\0")]
    [InlineData("HTTP_X\u00E9")]
    [InlineData("HTTP_X(Y)")]
    [InlineData("HTTP_X/Y")]
    public void Load_NameThatIsNoToken_IsDropped(string variable)
    {
        var headers = Load(new Packet().Add(variable, "value").Add("HTTP_ACCEPT", "*/*"));

        Assert.Equal("Accept", Assert.Single(headers.Keys));
    }

    [Theory]
    [InlineData("HTTP_TRANSFER_ENCODING")]
    [InlineData("HTTP_CONNECTION")]
    [InlineData("HTTP_KEEP_ALIVE")]
    [InlineData("HTTP_PROXY_CONNECTION")]
    [InlineData("HTTP_TE")]
    [InlineData("HTTP_EXPECT")]
    [InlineData("HTTP_UPGRADE")]
    [InlineData("HTTP_PROXY")]
    [InlineData("HTTP_Proxy")]
    [InlineData("HTTP_pROXY")]
    [InlineData("HTTP_CONTENT_TYPE")]
    [InlineData("HTTP_CONTENT-TYPE")]
    public void Load_HeaderOfTheHop_IsDropped(string variable) => Assert.Empty(Load(new Packet().Add(variable, "value")));

    [Fact]
    public void Load_ClientContentLength_IsKeptForComparisonOnly()
    {
        var headers = Load(new Packet().Add("HTTP_CONTENT_LENGTH", "0003"));

        Assert.Empty(headers);
        Assert.Equal(3, headers.ClientContentLength);
        Assert.Null(headers.ContentLength);
    }

    [Theory]
    [InlineData("+3")]
    [InlineData("-1")]
    [InlineData("3, 3")]
    [InlineData("x")]
    [InlineData("99999999999999999999")]
    public void Load_ClientContentLengthThatIsNoNumber_IsRefused(string value) =>
        Assert.Equal(GatewayRejection.InvalidContentLength, Refusal(new Packet().Add("HTTP_CONTENT_LENGTH", value)).Reason);

    [Fact]
    public void Load_TwoClientContentLengths_AreRefusedWhenTheyDiffer()
    {
        Assert.Equal(3, Load(new Packet().Add("HTTP_CONTENT_LENGTH", "3").Add("HTTP_CONTENT_LENGTH", "03")).ClientContentLength);
        Assert.Equal(
            GatewayRejection.InvalidContentLength,
            Refusal(new Packet().Add("HTTP_CONTENT_LENGTH", "3").Add("HTTP_CONTENT_LENGTH", "5")).Reason);
    }

    [Theory]
    [InlineData("Upgrade", "websocket", true)]
    [InlineData("keep-alive, Upgrade", "websocket", true)]
    [InlineData("UPGRADE", "h2c", true)]
    [InlineData("keep-alive", "websocket", false)]
    [InlineData("Upgraded", "websocket", false)]
    [InlineData("Upgrade", null, false)]
    public void Load_UpgradeOnOffer_KeepsItsTwoHeaders(string connection, string? upgrade, bool expected)
    {
        var packet = new Packet().Add("HTTP_CONNECTION", connection);
        if (upgrade is not null)
            packet.Add("HTTP_UPGRADE", upgrade);

        var headers = Load(packet);

        Assert.Equal(expected, headers.HasUpgrade);
        Assert.Equal(expected ? connection : "", headers[HeaderNames.Connection].ToString());
        Assert.Equal(expected ? upgrade : "", headers[HeaderNames.Upgrade].ToString());
    }

    [Fact]
    public void Load_RepeatedConnectionHeader_CountsEveryLine()
    {
        var headers = Load(new Packet().Add("HTTP_CONNECTION", "Upgrade").Add("HTTP_CONNECTION", "keep-alive").Add("HTTP_UPGRADE", "websocket"));

        Assert.True(headers.HasUpgrade);
    }

    [Fact]
    public void RemoveUpgrade_DropsBothHeaders()
    {
        var headers = Load(new Packet().Add("HTTP_CONNECTION", "Upgrade").Add("HTTP_UPGRADE", "websocket"));

        headers.RemoveUpgrade();

        Assert.False(headers.HasUpgrade);
        Assert.Empty(headers);
    }

    [Fact]
    public void Load_RepeatedHeader_GivesSeveralValuesInOrder()
    {
        var headers = Load(new Packet().Add("HTTP_X_DUP", "one").Add("HTTP_ACCEPT", "*/*").Add("HTTP_X_DUP", "two").Add("HTTP_X_DUP", ""));

        Assert.Equal(new StringValues(["one", "two", ""]), headers["X-Dup"]);
        Assert.Equal(["X-Dup", "Accept"], headers.Keys);
    }

    [Fact]
    public void Load_TwoSpellingsOfAName_AreOneHeader()
    {
        var headers = Load(new Packet().Add("HTTP_X_REAL_IP", "gateway").Add("HTTP_X-REAL-IP", "client").Add("HTTP_X_Real_IP", "other"));

        Assert.Equal(new StringValues(["gateway", "client", "other"]), headers["X-Real-IP"]);
        Assert.Single(headers);
    }

    [Fact]
    public void Load_RepeatedCookie_IsOneLine()
    {
        var headers = Load(new Packet().Add("HTTP_COOKIE", "a=1").Add("HTTP_COOKIE", "b=2").Add("HTTP_COOKIE", "c=3"));

        Assert.Equal("a=1; b=2; c=3", Assert.Single(headers[HeaderNames.Cookie].ToArray()));
    }

    [Theory]
    [InlineData("example.test", "example.test", null)]
    [InlineData("example.test", "EXAMPLE.test", null)]
    [InlineData("example.test", "evil.test", GatewayRejection.InvalidHost)]
    [InlineData("example.test", "example.test:80", GatewayRejection.InvalidHost)]
    public void Load_RepeatedHost_IsRefusedWhenItDiffers(string first, string second, object? reason)
    {
        var packet = new Packet().Add("HTTP_HOST", first).Add("HTTP_HOST", second);

        if (reason is null)
            Assert.Equal(first, Assert.Single(Load(packet)[HeaderNames.Host].ToArray()));
        else
            Assert.Equal(reason, Refusal(packet).Reason);
    }

    [Theory]
    [InlineData("\ta\tb \t", "a\tb")]
    [InlineData("  ", "")]
    [InlineData("", "")]
    [InlineData("caf\u00C3\u00A9", "caf\u00E9")]
    public void Load_Value_IsTrimmedUtf8(string latin1, string expected)
    {
        var headers = Load(new Packet().Add("HTTP_X_A", latin1));

        Assert.Equal(expected, headers["X-A"]);
        Assert.Single(headers["X-A"].ToArray());
    }

    [Theory]
    [InlineData("a\0b")]
    [InlineData("a\rb")]
    [InlineData("a\nb")]
    [InlineData("a\r\n b")]
    [InlineData("\r\n")]
    [InlineData("caf\u00E9")]
    [InlineData("\u00C0\u00AF")]
    public void Load_ValueNoLineCanHold_IsRefused(string latin1)
    {
        Assert.Equal(GatewayRejection.InvalidHeaderValue, Refusal(new Packet().Add("HTTP_X_A", latin1)).Reason);
        Assert.Equal(GatewayRejection.InvalidHeaderValue, Refusal(new Packet().Add("HTTP_COOKIE", latin1)).Reason);
    }

    [Fact]
    public void Load_RefusedHeader_IsNamedButItsValueIsNot()
    {
        var refusal = Refusal(new Packet().Add("HTTP_COOKIE", "secret\r\n"));

        Assert.Contains("Cookie", refusal.Message);
        Assert.DoesNotContain("secret", refusal.Message);
    }

    [Fact]
    public void Load_EncodingSelector_DecidesPerHeader()
    {
        var options = new UwsgiOptions { RequestHeaderEncodingSelector = name => name == "X-Latin" ? Encoding.Latin1 : null };
        var capture = Capture.Get("uwsgi/nginx-latin1-header");
        var variables = Decode(capture.Head.Span[4..]);
        var headers = new RequestHeaders();

        headers.Load(variables, new GatewaySettings(options, new KestrelServerOptions()));

        Assert.Equal("caf\u00E9", headers["X-Latin"]);
        Assert.Equal("caf\u00E9", headers["X-Utf8"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(48)]
    [InlineData(49)]
    [InlineData(100)]
    public void Load_ManyHeaders_KeepsEveryOne(int count)
    {
        var packet = new Packet();
        for (var i = 0; i < count; i++)
            packet.Add($"HTTP_X_{i}", $"value {i}");

        var headers = Load(packet);

        Assert.Equal(count, headers.Count);
        for (var i = 0; i < count; i++)
            Assert.Equal($"value {i}", headers[$"X-{i}"]);
    }

    [Fact]
    public void Load_MoreHeadersThanTheLimit_IsRefused()
    {
        var packet = new Packet();
        for (var i = 0; i < 101; i++)
            packet.Add($"HTTP_X_{i}", "value");

        var refusal = Refusal(packet);

        Assert.Equal(GatewayRejection.TooManyHeaders, refusal.Reason);
        Assert.Equal(431, refusal.StatusCode);
        Assert.Contains("100", refusal.Message);
        Assert.Contains(nameof(UwsgiLimits.MaxRequestHeaderCount), refusal.Message);
    }

    [Fact]
    public void Collection_BehavesAsAHeaderDictionary()
    {
        IHeaderDictionary headers = Load(new Packet().Add("HTTP_ACCEPT", "*/*").Add("HTTP_X_A", "1"));

        headers["X-New"] = "new";
        headers.Append("X-A", "2");
        headers.Remove("Accept");
        headers["X-Gone"] = StringValues.Empty;

        Assert.Equal(2, headers.Count);
        Assert.Equal(["X-A", "X-New"], headers.Select(header => header.Key));
        Assert.Equal("1,2", headers["X-A"]);
        Assert.False(headers.TryGetValue("Accept", out _));
        Assert.Equal(StringValues.Empty, headers["Accept"]);
        Assert.Throws<ArgumentException>(() => headers.Add(KeyValuePair.Create("x-new", new StringValues("again"))));
        Assert.Throws<KeyNotFoundException>(() => ((IDictionary<string, StringValues>)headers)["Accept"]);
        Assert.Contains(KeyValuePair.Create("X-New", new StringValues("new")), headers);
        var copy = new KeyValuePair<string, StringValues>[3];
        headers.CopyTo(copy, 1);
        Assert.Equal("X-A", copy[1].Key);
        headers.Clear();
        Assert.Empty(headers);
    }

    [Fact]
    public void Reset_LeavesNothingForTheNextRequest()
    {
        var headers = Load(new Packet()
            .Add("HTTP_X_A", "1").Add("HTTP_CONNECTION", "upgrade").Add("HTTP_UPGRADE", "x")
            .Add("HTTP_TRANSFER_ENCODING", "chunked").Add("HTTP_CONTENT_LENGTH", "3"));
        headers.SetContentLength(3);

        headers.Reset();
        headers.Load(Decode(new Packet().Add("HTTP_X_B", "2").ToBlock()), Settings());

        Assert.Equal("X-B", Assert.Single(headers.Keys));
        Assert.Null(headers.ContentLength);
        Assert.Null(headers.ClientContentLength);
        Assert.False(headers.HasUpgrade);
        Assert.False(headers.HasTransferEncoding);
    }

    private static RequestHeaders Load(Packet packet)
    {
        var headers = new RequestHeaders();
        headers.Load(Decode(packet.ToBlock()), Settings());
        return headers;
    }

    private static GatewayProtocolException Refusal(Packet packet) => Assert.Throws<GatewayProtocolException>(() => Load(packet));

    private static GatewayVariables Decode(ReadOnlySpan<byte> block)
    {
        var variables = new GatewayVariables();
        variables.Load(Sequences.Whole(block.ToArray()));
        UwsgiPacket.DecodeBlock(variables);
        return variables;
    }

    private static GatewaySettings Settings() => new(new UwsgiOptions(), new KestrelServerOptions());
}
