using Uwsgi.AspNetCore.StaticFiles;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.StaticFiles;

public sealed class FileHandOffTests : IDisposable
{
    private readonly FileTree _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("/srv/media/a.txt", "/protected/a.txt")]
    [InlineData("/srv/media/deep/a.txt", "/deep/a.txt")]
    [InlineData("/srv/media/deeper/a.txt", "/protected/deeper/a.txt")]
    [InlineData("/srv/media-secret/a.txt", null)]
    [InlineData("/srv/a.txt", null)]
    [InlineData("/srv/media/a b.txt", "/protected/a%20b.txt")]
    [InlineData("/srv/media/ü%41?x#y.txt", "/protected/%C3%BC%2541%3Fx%23y.txt")]
    [InlineData("/srv/media/a\r\nSet-Cookie: b", "/protected/a%0D%0ASet-Cookie%3A%20b")]
    [InlineData("/blank/a.txt", "/in%20side/a.txt")]
    public void Describe_AccelRedirect_IsAnEncodedUri(string path, string? expected)
    {
        var handOff = Create(
            FileServeMode.XAccelRedirect,
            ("/srv/media", "/protected"),
            ("/srv/media/deep/", "/deep/"),
            ("/blank", "/in side"));

        Assert.Equal(expected, handOff.Describe(path));
        Assert.Equal("X-Accel-Redirect", handOff.HeaderName);
    }

    [Theory]
    [InlineData("/srv/media/a b.txt", "/www/a b.txt")]
    [InlineData("/srv/media/a&b+c?d.txt", "/www/a&b+c?d.txt")]
    [InlineData("/srv/media/ü%41.txt", "/www/%C3%BC%2541.txt")]
    [InlineData("/srv/media/a\r\nSet-Cookie: b", "/www/a%0D%0ASet-Cookie: b")]
    [InlineData("/srv/media/a ", "/www/a%20")]
    [InlineData("/srv/media-secret/a.txt", null)]
    public void Describe_Sendfile_IsAPathWithWhatCannotBeInAHeaderEncoded(string path, string? expected)
    {
        var handOff = Create(FileServeMode.XSendfile, ("/srv/media", "/www"));

        Assert.Equal(expected, handOff.Describe(path));
        Assert.Equal("X-Sendfile", handOff.HeaderName);
    }

    [Theory]
    [InlineData(FileServeMode.XAccelRedirect, "/srv/a%20b.txt")]
    [InlineData(FileServeMode.XSendfile, "/srv/a b.txt")]
    public void Describe_NoMap_IsTheFilesOwnPath(FileServeMode mode, string expected) =>
        Assert.Equal(expected, Create(mode).Describe("/srv/a b.txt"));

    [Fact]
    public void Describe_MappedRootDirectory_IsAboveEverything() =>
        Assert.Equal("/all/srv/a.txt", Create(FileServeMode.XSendfile, ("/", "/all")).Describe("/srv/a.txt"));

    [Fact]
    public void Describe_DirectoryBehindALink_IsMeantByBothNames()
    {
        _files.Add("disk/media/a.txt").Link("media", "disk/media");
        var handOff = Create(FileServeMode.XAccelRedirect, (_files["media"], "/protected"));

        Assert.Equal("/protected/a.txt", handOff.Describe(_files["media/a.txt"]));
        Assert.Equal("/protected/a.txt", handOff.Describe(_files["disk/media/a.txt"]));
    }

    private static FileHandOff Create(FileServeMode mode, params (string Directory, string Target)[] map)
    {
        var options = new UwsgiOptions { FileServeMode = mode };
        foreach (var (directory, target) in map)
        {
            options.FileServeMap.Add(directory, target);
        }

        return new FileHandOff(options, "/");
    }
}
