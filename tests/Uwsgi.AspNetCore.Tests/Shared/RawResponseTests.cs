using System.Text;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.Shared;

public class RawResponseTests
{
    [Fact]
    public void Parse_HttpHead_SplitsHeadAndBody()
    {
        var response = Parse("HTTP/1.1 404 Not Found\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Empty:\r\n\r\nbody\r\n\r\nmore");

        Assert.Equal("HTTP/1.1", response.Version);
        Assert.Equal(404, response.StatusCode);
        Assert.Equal("Not Found", response.ReasonPhrase);
        Assert.Equal(["a=1", "b=2"], response.All("set-cookie"));
        Assert.Equal("", response["X-Empty"]);
        Assert.Null(response["X-Absent"]);
        Assert.Equal("body\r\n\r\nmore", response.Text);
    }

    [Fact]
    public void Parse_NoReasonPhrase_IsNull() => Assert.Null(Parse("HTTP/1.1 299\r\n\r\n").ReasonPhrase);

    [Fact]
    public void Parse_CgiHead_TakesTheStatusField()
    {
        var response = Parse("Content-Type: text/plain\r\nStatus: 201 Created\r\n\r\n");

        Assert.Equal(201, response.StatusCode);
        Assert.Equal("Created", response.ReasonPhrase);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("HTTP/1.1 200 OK\n\n")]
    [InlineData("HTTP/1.1 abc\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nName : value\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nName: a\rb\r\n\r\n")]
    public void Parse_NoAnswer_Throws(string text) => Assert.Throws<FormatException>(() => Parse(text));

    private static RawResponse Parse(string text) => RawResponse.Parse(Encoding.Latin1.GetBytes(text));
}
