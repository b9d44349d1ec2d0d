using Uwsgi.AspNetCore.StaticFiles;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.StaticFiles;

public sealed class RealPathTests : IDisposable
{
    private readonly FileTree _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Resolve_ParentBehindALink_IsTheParentOfItsTarget()
    {
        // By its text a/link/../x is a/x; for the kernel it is b/x.
        _files.Add("a/x").Add("b/x").Add("b/c/y").Link("a/link", _files["b/c"]).Link("odd", "a/link/../x");

        Assert.Equal(_files["b/x"], RealPath.Resolve(_files["odd"]));
    }

    [Fact]
    public void Resolve_AsManyLinksAsLinuxFollows_AreFollowed()
    {
        _files.Add("link0");
        for (var i = 1; i <= 41; i++)
        {
            _files.Link($"link{i}", $"link{i - 1}");
        }

        Assert.Equal(_files["link0"], RealPath.Resolve(_files["link40"]));
        Assert.Null(RealPath.Resolve(_files["link41"]));
    }

    [Theory]
    [InlineData("/srv/www", "/srv/www", true)]
    [InlineData("/srv/www/a", "/srv/www", true)]
    [InlineData("/srv/www-secret/a", "/srv/www", false)]
    [InlineData("/srv", "/srv/www", false)]
    [InlineData("/srv/WWW/a", "/srv/www", false)]
    [InlineData("/a", "/", true)]
    public void IsAtOrBelow_ComparesWholeSegments(string path, string directory, bool expected) =>
        Assert.Equal(expected, RealPath.IsAtOrBelow(path, directory));
}
