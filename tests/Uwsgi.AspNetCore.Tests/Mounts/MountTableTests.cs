using Uwsgi.AspNetCore.Mounts;

namespace Uwsgi.AspNetCore.Tests.Mounts;

public class MountTableTests
{
    // uWSGI's manage-script-name, except where a miss or the path "/" would run the first app.
    [Theory]
    [InlineData("/app1", "/app1", "")]
    [InlineData("/app1/", "/app1", "/")]
    [InlineData("/app1/foo/bar", "/app1", "/foo/bar")]
    [InlineData("/app1//x", "/app1", "//x")]
    [InlineData("/app1/../app2/", "/app1", "/../app2/")]
    [InlineData("/app1/app1", "/app1", "/app1")]
    [InlineData("/app2/x", "/app2", "/x")]
    [InlineData("/app1foo", null, "/app1foo")]
    [InlineData("/APP1/x", null, "/APP1/x")]
    [InlineData("/", null, "/")]
    [InlineData("", null, "")]
    [InlineData("//app1/x", null, "//app1/x")]
    public void Match_Path_BelongsToTheMountAtASegmentBorder(string path, string? expected, string rest) =>
        Assert.Equal((expected, rest), Find(["/app1", "/app2"], "localhost", path));

    [Theory]
    [InlineData("/a/b/c", "/a/b", "/c")]
    [InlineData("/a/b", "/a/b", "")]
    [InlineData("/a/bc", "/a", "/bc")]
    [InlineData("/a/", "/a", "/")]
    public void Match_NestedMounts_LongestWins(string path, string expected, string rest)
    {
        Assert.Equal((expected, rest), Find(["/a", "/a/b"], null, path));
        Assert.Equal((expected, rest), Find(["/a/b", "/a"], null, path));
    }

    [Theory]
    [InlineData("/", "/", "/")]
    [InlineData("", "/", "")]
    [InlineData("/other", "/", "/other")]
    [InlineData("/app1/x", "/app1/", "/x")]
    [InlineData("/app1", "/app1/", "")]
    public void Match_RootMount_TakesWhatNobodyElseDoes(string path, string expected, string rest) =>
        Assert.Equal((expected, rest), Find(["/", "/app1/"], null, path));

    [Theory]
    [InlineData("example.com", "/x", "example.com", "/x")]
    [InlineData("EXAMPLE.com:8080", "/x", "example.com", "/x")]
    [InlineData("example.com.", "/x", "example.com", "/x")]
    [InlineData("example.com.:8080", "/x", "example.com", "/x")]
    [InlineData("example.com", "/admin/x", "example.com/admin", "/x")]
    [InlineData("example.com", "/administrator", "example.com", "/administrator")]
    [InlineData("example.com", "/shop/x", "example.com", "/shop/x")]
    [InlineData("www.example.com", "/shop/x", "/shop", "/x")]
    [InlineData("example.com.evil.test", "/x", null, "/x")]
    [InlineData("notexample.com", "/x", null, "/x")]
    [InlineData("foobar.it", "/blog/x", "foobar.it/blog", "/x")]
    [InlineData("foobar.it", "/shop/x", "/shop", "/x")]
    [InlineData("[::1]:80", "/x", "[0::1]", "/x")]
    [InlineData("[0:0:0:0:0:0:0:1]", "/x", "[0::1]", "/x")]
    [InlineData("[::2]", "/x", null, "/x")]
    [InlineData("xn--bcher-kva.example", "/x", "Bücher.example", "/x")]
    [InlineData("the_app1", "/x", null, "/x")]
    [InlineData("", "/shop", "/shop", "")]
    [InlineData(null, "/shop", "/shop", "")]
    [InlineData(":", "/x", null, "/x")]
    public void Match_Host_OwnsItsMounts(string? host, string path, string? expected, string rest) => Assert.Equal(
        (expected, rest),
        Find(["/shop", "example.com", "example.com/admin", "foobar.it/blog", "[0::1]", "Bücher.example", "the_app1"], host, path));

    // What the web server took off as SCRIPT_NAME is a part of the path; what the option PathBase took off is not.
    [Theory]
    [InlineData(true, "/app1", "/x", "/app1", 0)]
    [InlineData(true, "/app1", "/x/y", "/app1", 0)]
    [InlineData(true, "/app1", "/inner/y", "/app1/inner", 6)]
    [InlineData(true, "/app1/deep", "/y", "/app1", 0)]
    [InlineData(true, "/outer", "/app1/y", "/app1", 5)]
    [InlineData(true, "/outer", "/y", null, 0)]
    [InlineData(false, "/app1", "/x/y", "/x", 2)]
    [InlineData(false, "/app1", "/inner/y", "/app1/inner", 6)]
    [InlineData(false, "/outer", "/x", "/x", 2)]
    [InlineData(false, "/app1", "/y", "/app1", 0)]
    public void Match_BehindAPathBase_MovesTheRestOfTheMount(bool isSent, string pathBase, string path, string? expected, int length)
    {
        string[] keys = ["/app1", "/app1/inner", "/x"];

        var match = Create(keys).Match("localhost", pathBase, path, isSent);

        Assert.Equal(expected is null ? null : new MountMatch(Array.IndexOf(keys, expected), length), match);
    }

    [Fact]
    public void Match_BehindAPathBase_RootComesLastAndTheHostFirst()
    {
        var table = Create("/", "/app1", "example.com");

        Assert.Equal(new MountMatch(1, 0), table.Match("other.test", "/app1", "/x", isBaseSent: true));
        Assert.Equal(new MountMatch(0, 0), table.Match("other.test", "/outer", "/x", isBaseSent: true));
        Assert.Equal(new MountMatch(2, 0), table.Match("example.com", "/app1", "/x", isBaseSent: true));
    }

    [Theory]
    [InlineData("/app1", 0)]
    [InlineData("/app1/", 0)]
    [InlineData("/app1/x", -1)]
    [InlineData("/APP1", -1)]
    [InlineData("the_app1", 1)]
    [InlineData("The_App1", -1)]
    [InlineData("example.com", 2)]
    [InlineData("Example.com.:8080", 2)]
    [InlineData("example.com/", 2)]
    [InlineData("example.com:8080/admin/", 3)]
    [InlineData("example.com/other", -1)]
    [InlineData("[0:0::1]:80", 4)]
    [InlineData("intranet", 5)]
    [InlineData("/", -1)]
    [InlineData("", -1)]
    [InlineData(null, -1)]
    [InlineData("a..b", -1)]
    [InlineData(":", -1)]
    [InlineData("é:é/é", -1)]
    public void Find_SentKey_IsComparedInItsNormalForm(string? sent, int expected) =>
        Assert.Equal(expected, Create("/app1", "the_app1", "example.com", "example.com/admin", "[::1]", "intranet/").Find(sent));

    [Fact]
    public void Match_AnyTable_AgreesWithTheRuleWrittenOut()
    {
        string[] hosts = ["", "a.test", "b.test"];
        string[] segments = ["/a", "/b", "/ab", "/A", "/"];
        var random = new Random(20261123);
        string Path(int most) => string.Concat(Enumerable.Range(0, random.Next(most + 1)).Select(_ => random.GetItems(segments, 1)[0]));
        for (var round = 0; round < 3000; round++)
        {
            var keys = Enumerable.Range(0, random.Next(6))
                .Select(_ => new MountKey(null, random.GetItems(hosts, 1)[0], Path(3).TrimEnd('/')))
                .Where(key => !key.Path.Contains("//", StringComparison.Ordinal))
                .Distinct().ToArray();
            var host = random.GetItems(["a.test", "b.test:80", "c.test"], 1)[0];
            var path = Path(4);

            var expected = keys
                .Select((key, index) => (key, index))
                .Where(mount => mount.key.Host.Length == 0 || mount.key.Host == host.Split(':')[0])
                .Where(mount => (path + "/").StartsWith(mount.key.Path + "/", StringComparison.Ordinal))
                .OrderByDescending(mount => mount.key.Host.Length > 0)
                .ThenByDescending(mount => mount.key.Path.Length)
                .Select(mount => (MountMatch?)new MountMatch(mount.index, mount.key.Path.Length))
                .FirstOrDefault();

            Assert.Equal(expected, new MountTable(keys).Match(host, "", path, isBaseSent: false));
        }
    }

    private static (string? Key, string Path) Find(string[] keys, string? host, string path)
    {
        var match = Create(keys).Match(host, "", path, isBaseSent: false);
        return match is { } found ? (keys[found.Index], path[found.Length..]) : (null, path);
    }

    private static MountTable Create(params string[] keys) => new(keys.Select(text =>
    {
        Assert.Null(MountKey.TryParse(text, out var key));
        return key;
    }));
}
