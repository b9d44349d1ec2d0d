using System.Text;
using Uwsgi.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Tests.Http;

public class HttpSyntaxTests
{
    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData("HOST")]
    [InlineData("ho-st_1.example.test")]
    [InlineData("a~b")]
    [InlineData("!$'()")]
    [InlineData("a:0")]
    [InlineData("a:80")]
    [InlineData("1.2.3.4")]
    [InlineData("1.2.3.4:8080")]
    [InlineData("[::1]:80")]
    [InlineData("[fe80::d882:8e37:9c0a:9b9a]")]
    [InlineData("[::ffff:1.2.3.4]:1")]
    public void IsHost_Valid(string host) => Assert.True(HttpSyntax.IsHost(Encoding.ASCII.GetBytes(host)));

    [Theory]
    [InlineData(" ")]
    [InlineData("a b")]
    [InlineData(" host")]
    [InlineData("host ")]
    [InlineData(":")]
    [InlineData(":80")]
    [InlineData("a:")]
    [InlineData("a:b")]
    [InlineData("a:-1")]
    [InlineData("a:+1")]
    [InlineData("a:8 0")]
    [InlineData("a:b:80")]
    [InlineData("a@b")]
    [InlineData("user@host:80")]
    [InlineData("a/b")]
    [InlineData("exa mple.test/evil")]
    [InlineData("a\\b")]
    [InlineData("a?b")]
    [InlineData("a#b")]
    [InlineData("a,b")]
    [InlineData("a;b")]
    [InlineData("a*b")]
    [InlineData("a+b")]
    [InlineData("a=b")]
    [InlineData("a%41")]
    [InlineData("a<b>")]
    [InlineData("a\"b")]
    [InlineData("a[b]")]
    [InlineData("[]")]
    [InlineData("[]:80")]
    [InlineData("[:]")]
    [InlineData("[fe80::1%1]")]
    [InlineData("[::1")]
    [InlineData("::1")]
    [InlineData("[::1]80")]
    [InlineData("[::1]:")]
    [InlineData("[::1]:a")]
    [InlineData("[::1]x:80")]
    [InlineData("[g]")]
    [InlineData("[::1]]")]
    [InlineData("a\r\nb")]
    [InlineData("a\0b")]
    public void IsHost_Invalid(string host) => Assert.False(HttpSyntax.IsHost(Encoding.ASCII.GetBytes(host)));

    [Theory]
    [InlineData("0", 0)]
    [InlineData("3", 3)]
    [InlineData("0003", 3)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void TryParseLength_Digits_IsANumber(string text, long expected)
    {
        Assert.True(HttpSyntax.TryParseLength(Encoding.ASCII.GetBytes(text), out var length));
        Assert.Equal(expected, length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("+3")]
    [InlineData("-3")]
    [InlineData("3, 3")]
    [InlineData(" 3")]
    [InlineData("3 ")]
    [InlineData("0x3")]
    [InlineData("3.0")]
    [InlineData("12abc")]
    [InlineData("9223372036854775808")]
    [InlineData("99999999999999999999999")]
    public void TryParseLength_OtherText_IsNone(string text) =>
        Assert.False(HttpSyntax.TryParseLength(Encoding.ASCII.GetBytes(text), out _));

    [Theory]
    [InlineData("GET", true)]
    [InlineData("FOO-BAR", true)]
    [InlineData("get", true)]
    [InlineData("!#$%&'*+-.^_`|~09azAZ", true)]
    [InlineData("", false)]
    [InlineData("A B", false)]
    [InlineData("A\tB", false)]
    [InlineData("A/B", false)]
    [InlineData("A\r\n", false)]
    [InlineData("\u00E9", false)]
    public void IsToken_TokenCharactersOnly(string text, bool expected)
    {
        Assert.Equal(expected, HttpSyntax.IsToken(Encoding.Latin1.GetBytes(text)));
        Assert.Equal(expected, HttpSyntax.IsToken(text.AsSpan()));
    }

    [Theory]
    [InlineData("upgrade", true)]
    [InlineData("keep-alive, Upgrade", true)]
    [InlineData("Upgrade ,keep-alive", true)]
    [InlineData("\tUPGRADE\t", true)]
    [InlineData("upgraded", false)]
    [InlineData("up grade", false)]
    [InlineData("", false)]
    [InlineData(",,", false)]
    public void ListContains_WholeElementsInAnyCase(string list, bool expected) =>
        Assert.Equal(expected, HttpSyntax.ListContains(Encoding.ASCII.GetBytes(list), "upgrade"u8));
}
