using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Tests.Http;

public class ResponseHeadersTests
{
    private readonly ResponseHeaders _headers = new();

    public ResponseHeadersTests() => _headers.Attach(Settings());

    [Theory]
    [InlineData("a\r\nX-Evil: 1")]
    [InlineData("a\rb")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("a\u0001b")]
    [InlineData("a\u007Fb")]
    public void Set_ControlCharacter_Throws(string value)
    {
        Assert.Throws<InvalidOperationException>(() => _headers["X-A"] = value);
        Assert.Throws<InvalidOperationException>(() => _headers.Append("X-A", value));
        Assert.Throws<InvalidOperationException>(() => _headers.Add("X-A", new StringValues(["fine", value])));
        Assert.Throws<InvalidOperationException>(() => _headers[HeaderNames.SetCookie] = value);
        Assert.Empty(_headers);
    }

    [Theory]
    [InlineData("a\tb")]
    [InlineData("")]
    [InlineData(" padded ")]
    public void Set_LegalValue_IsKept(string value)
    {
        _headers["X-A"] = value;

        Assert.Equal(value, _headers["X-A"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("X A")]
    [InlineData("X:A")]
    [InlineData("X\r\nA")]
    [InlineData("X\u00E9")]
    [InlineData("X(A)")]
    public void Set_NameThatIsNoToken_Throws(string name) => Assert.ThrowsAny<Exception>(() => _headers[name] = "value");

    [Fact]
    public void Set_NonAscii_NeedsAnEncoding()
    {
        Assert.Throws<InvalidOperationException>(() => _headers["X-Name"] = "caf\u00E9");

        _headers.Attach(Settings(name => name == "X-Name" ? Encoding.UTF8 : null));
        _headers["X-Name"] = "caf\u00E9";

        Assert.Throws<InvalidOperationException>(() => _headers["X-Other"] = "caf\u00E9");
        Assert.Equal(Encoding.UTF8, _headers.GetEncoding("X-Name"));
        Assert.Null(_headers.GetEncoding("X-Other"));
    }

    [Fact]
    public void Set_EmptyStringValues_Removes()
    {
        _headers["X-A"] = "1";

        _headers["X-A"] = StringValues.Empty;

        Assert.Empty(_headers);
        _headers["X-A"] = default(StringValues);
        Assert.Empty(_headers);
    }

    [Theory]
    [InlineData("12", 12L)]
    [InlineData("0", 0L)]
    public void ContentLength_SetAsText_IsANumber(string text, long expected)
    {
        _headers[HeaderNames.ContentLength] = text;

        Assert.Equal(expected, _headers.ContentLength);
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("-1")]
    [InlineData("1,2")]
    [InlineData("")]
    public void ContentLength_SetAsOtherText_Throws(string text) =>
        Assert.Throws<InvalidOperationException>(() => _headers[HeaderNames.ContentLength] = text);

    [Fact]
    public void ContentLength_SetAsNumber_IsText()
    {
        _headers.ContentLength = 1234;
        Assert.Equal("1234", _headers["content-length"]);

        _headers.ContentLength = null;
        Assert.False(_headers.ContainsKey(HeaderNames.ContentLength));
        Assert.Throws<ArgumentOutOfRangeException>(() => _headers.ContentLength = -1);
    }

    [Fact]
    public void ContentLength_HeaderRemovedOrCleared_IsGone()
    {
        _headers.ContentLength = 5;
        _headers.Remove(HeaderNames.ContentLength);
        Assert.Null(_headers.ContentLength);

        _headers.ContentLength = 5;
        _headers.Clear();
        Assert.Null(_headers.ContentLength);
    }

    [Fact]
    public void SetReadOnly_EveryChange_Throws()
    {
        _headers["X-A"] = "1";

        _headers.SetReadOnly();

        Assert.True(_headers.IsReadOnly);
        Assert.Throws<InvalidOperationException>(() => _headers["X-A"] = "2");
        Assert.Throws<InvalidOperationException>(() => _headers.Append("X-A", "2"));
        Assert.Throws<InvalidOperationException>(() => _headers.Add("X-B", "2"));
        Assert.Throws<InvalidOperationException>(() => _headers.Add(KeyValuePair.Create("X-B", new StringValues("2"))));
        Assert.Throws<InvalidOperationException>(() => _headers.Remove("X-A"));
        Assert.Throws<InvalidOperationException>(() => _headers.Remove("X-Absent"));
        Assert.Throws<InvalidOperationException>(() => _headers.Remove(KeyValuePair.Create("X-A", new StringValues("1"))));
        Assert.Throws<InvalidOperationException>(_headers.Clear);
        Assert.Throws<InvalidOperationException>(() => _headers.ContentLength = 1);
        Assert.Throws<InvalidOperationException>(() => _headers.ContentLength = null);
        Assert.Equal("1", _headers["X-A"]);
    }

    [Fact]
    public void Reset_MakesItWritableAndEmpty()
    {
        _headers["X-A"] = "1";
        _headers.ContentLength = 1;
        _headers.SetReadOnly();

        _headers.Reset();

        Assert.False(_headers.IsReadOnly);
        Assert.Empty(_headers);
        Assert.Null(_headers.ContentLength);
    }

    [Fact]
    public void ManyHeaders_AllStayInOrder()
    {
        for (var i = 0; i < 200; i++)
            _headers[$"X-{i}"] = $"{i}";

        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"X-{i}"), _headers.Keys);
        Assert.Equal("199", _headers["x-199"]);
    }

    private static GatewaySettings Settings(Func<string, Encoding?>? selector = null) =>
        new(new UwsgiOptions { ResponseHeaderEncodingSelector = selector }, new KestrelServerOptions());
}
