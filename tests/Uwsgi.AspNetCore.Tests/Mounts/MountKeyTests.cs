using Uwsgi.AspNetCore.Mounts;

namespace Uwsgi.AspNetCore.Tests.Mounts;

public class MountKeyTests
{
    [Theory]
    [InlineData("/", null, "", "")]
    [InlineData("/app1", null, "", "/app1")]
    [InlineData("/app1/", null, "", "/app1")]
    [InlineData("/a/b", null, "", "/a/b")]
    [InlineData("/App One/é", null, "", "/App One/é")]
    [InlineData("/a/.well-known/...", null, "", "/a/.well-known/...")]
    [InlineData("example.com", null, "example.com", "")]
    [InlineData("Example.COM.", null, "example.com", "")]
    [InlineData("example.com/", null, "example.com", "")]
    [InlineData("example.com/Admin/", null, "example.com", "/Admin")]
    [InlineData("Bücher.example", null, "xn--bcher-kva.example", "")]
    [InlineData("localhost", null, "localhost", "")]
    [InlineData("127.0.0.1/x", null, "127.0.0.1", "/x")]
    [InlineData("[::1]", null, "[::1]", "")]
    [InlineData("[0:0:0:0:0:0:0:1]/x", null, "[::1]", "/x")]
    [InlineData("intranet/", null, "intranet", "")]
    [InlineData("my_app/x", null, "my_app", "/x")]
    [InlineData("the_app1", "the_app1", "", "")]
    [InlineData("intranet", "intranet", "", "")]
    public void TryParse_Key_IsNormalised(string text, string? name, string host, string path)
    {
        Assert.Null(MountKey.TryParse(text, out var key));
        Assert.Equal(new MountKey(name, host, path), key);
    }

    [Theory]
    [InlineData("", "is empty; the key of everything is '/'")]
    [InlineData("/a//b", "has an empty segment")]
    [InlineData("/a/./b", "has a segment '.'")]
    [InlineData("/a/..", "has a segment '..'")]
    [InlineData("example.com/../a", "has a segment '..'")]
    [InlineData("/a?b", "has a query or a fragment")]
    [InlineData("/a#b", "has a query or a fragment")]
    [InlineData("/a%20b", "has a percent sign; write the path decoded")]
    [InlineData("*.example.com", "has an asterisk")]
    [InlineData("/app1/*", "has an asterisk")]
    [InlineData("/a\0", "has a control character")]
    [InlineData("/a\n", "has a control character")]
    [InlineData("example.com:8080", "has a port")]
    [InlineData("localhost:8080/a", "has a port")]
    [InlineData("::1", "has a port, or an IPv6 address without brackets")]
    [InlineData("[::1", "starts with '[::1', which is no host")]
    [InlineData("[127.0.0.1]", "which is no host")]
    [InlineData("a..b", "which is no host")]
    [InlineData(".", "which is no host")]
    [InlineData("..", "which is no host")]
    [InlineData("my app/x", "starts with 'my app', which is no host")]
    [InlineData("app one.com", "which is no host")]
    public void TryParse_Mistake_IsExplained(string text, string expected) =>
        Assert.Contains(expected, MountKey.TryParse(text, out _));
}
