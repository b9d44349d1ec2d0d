using Uwsgi.AspNetCore.StaticFiles;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.StaticFiles;

public sealed class ContentTypesTests : IDisposable
{
    private readonly FileTree _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("/www/a.html", "text/html")]
    [InlineData("/www/A.HTML", "text/html")]
    [InlineData("/www/a.lua", "text/x-own")]
    [InlineData("/www/a.foo", "application/foo")]
    [InlineData("/www/a.Bar", "application/foo")]
    [InlineData("/www/a.css", "text/x-css")]
    [InlineData("/www/a.gone", null)]
    [InlineData("/www/a.none", null)]
    [InlineData("/www.html/a", null)]
    public void Of_Path_KnowsTheFrameworksTheFilesAndTheOwn(string path, string? expected)
    {
        _files.Add("mime.types", "# comment\napplication/foo\t\tfoo bar # gone\n\ntext/x-css css\ntext/x-lua lua\napplication/nothing\n");
        var options = new UwsgiOptions { MimeFile = "mime.types", MimeTypes = { [".lua"] = "text/x-own" } };

        Assert.Equal(expected, new ContentTypes(options, _files.Path).Of(path));
    }
}
