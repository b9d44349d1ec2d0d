using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.FileProviders;
using Uwsgi.AspNetCore.StaticFiles;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.StaticFiles;

public sealed class StaticFilesOptionsValidatorTests : IDisposable
{
    private readonly FileTree _files = new();

    public static TheoryData<string, Action<UwsgiOptions>> Mistakes => new()
    {
        { "Uwsgi:CheckStatic: ' ' is no path", options => options.CheckStatic.Add(" ") },
        { "Uwsgi:CheckStatic: '/srv\0' is no path", options => options.CheckStatic.Add("/srv\0") },
        { "Uwsgi:StaticSafe: '' is no path", options => options.StaticSafe.Add("") },
        { "Uwsgi:StaticMap:assets: 'assets' must start with a slash", options => options.StaticMap["assets"] = "/srv" },
        { "Uwsgi:StaticMap:/a/: '/a/' is listed twice", options => (options.StaticMap["/a"], options.StaticMap["/a/"]) = ("/srv", "/srv") },
        { "Uwsgi:StaticMap:/a: '' is no path", options => options.StaticMap["/a"] = "" },
        { "Uwsgi:StaticIndex: 'sub/index.html' must be the name of a file", options => options.StaticIndex.Add("sub/index.html") },
        { "Uwsgi:StaticIndex: '..' must be the name of a file", options => options.StaticIndex.Add("..") },
        { "Uwsgi:StaticIndex: '' must be the name of a file", options => options.StaticIndex.Add("") },
        { "Uwsgi:StaticSkipExt: '' must be the ending of a file name", options => options.StaticSkipExt.Add("") },
        { "Uwsgi:StaticExpires: '\\.css$' cannot be used: no blank and whole number", options => options.StaticExpires.Add(@"\.css$") },
        { "Uwsgi:StaticExpires: '\\.css$ soon' cannot be used: no blank and whole number", options => options.StaticExpires.Add(@"\.css$ soon") },
        { "Uwsgi:StaticExpires: '(css 10' cannot be used: Invalid pattern", options => options.StaticExpires.Add("(css 10") },
        { "Uwsgi:StaticExpires: 'css -1' cannot be used: no blank and whole number", options => options.StaticExpires.Add("css -1") },
        { "Uwsgi:StaticExpiresType:css: '10' needs a content type", options => options.StaticExpiresType["css"] = TimeSpan.FromSeconds(10) },
        { "Uwsgi:StaticExpiresType:text/css: '-1' needs", options => options.StaticExpiresType["text/css"] = TimeSpan.FromSeconds(-1) },
        { "Uwsgi:MimeTypes:lua: 'text/x-lua' needs an extension with its dot", options => options.MimeTypes["lua"] = "text/x-lua" },
        { "Uwsgi:MimeTypes:.lua: 'lua' needs an extension with its dot as the key, and a content type", options => options.MimeTypes[".lua"] = "lua" },
        { "Uwsgi:MimeFile: 'missing.types' cannot be read", options => options.MimeFile = "missing.types" },
        { "Uwsgi:FileServeMode: '7' must be", options => options.FileServeMode = (FileServeMode)7 },
        { "Uwsgi:FileServeMap:: '' is no path", options => options.FileServeMap[""] = "/protected" },
        { "Uwsgi:FileServeMap:/srv: 'protected' must be", options => (options.FileServeMode, options.FileServeMap["/srv"]) = (FileServeMode.XAccelRedirect, "protected") },
        { "Uwsgi:FileServeMap:/srv: '' must be", options => options.FileServeMap["/srv"] = "" },
        { "Uwsgi:FileServeMap:/srv: '/a\r\nX: b' must be", options => options.FileServeMap["/srv"] = "/a\r\nX: b" },
    };

    public void Dispose() => _files.Dispose();

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Validate_Mistake_IsNamedWithItsKeyAndValue(string message, Action<UwsgiOptions> configure)
    {
        var failure = Assert.Single(Validate(configure));

        Assert.StartsWith(message, failure, StringComparison.Ordinal);
        Assert.EndsWith(".", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_SeveralMistakes_AreAllReported() => Assert.Equal(3, Validate(options =>
    {
        options.StaticMap["a"] = "";
        options.MimeFile = "missing.types";
    }).Count());

    [Fact]
    public void Validate_EverythingSetRight_Succeeds()
    {
        _files.Add("mime.types");

        Assert.Empty(Validate(options =>
        {
            options.CheckStatic.Add("does/not/exist/yet");
            options.StaticMap["/"] = "www";
            options.StaticMap["/assets/"] = "/srv/assets";
            options.StaticIndex.Add("index.html");
            options.StaticSkipExt.Add("~");
            options.StaticExpires.Add(@"(?<!x)\.(css|js)$ 0");
            options.StaticExpiresType["text/css"] = TimeSpan.Zero;
            options.MimeTypes[".lua"] = "text/x-lua; charset=utf-8";
            options.MimeFile = "mime.types";
            options.FileServeMode = FileServeMode.XSendfile;
            options.FileServeMap["media"] = "C:/media";
        }));
    }

    private IEnumerable<string> Validate(Action<UwsgiOptions> configure)
    {
        var options = new UwsgiOptions();
        configure(options);
        return new StaticFilesOptionsValidator(new Environment(_files.Path)).Validate(null, options).Failures ?? [];
    }

    private sealed class Environment(string contentRoot) : IWebHostEnvironment
    {
        public string WebRootPath { get; set; } = contentRoot;

        public IFileProvider WebRootFileProvider { get; set; } = new NullFileProvider();

        public string ApplicationName { get; set; } = "test";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();

        public string ContentRootPath { get; set; } = contentRoot;

        public string EnvironmentName { get; set; } = "test";
    }
}
