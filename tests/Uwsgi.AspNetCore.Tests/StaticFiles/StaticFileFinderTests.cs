using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.StaticFiles;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.StaticFiles;

public sealed class StaticFileFinderTests : IDisposable
{
    private readonly FileTree _files = new();
    private readonly LogSink _logs = new();

    public void Dispose()
    {
        _files.Dispose();
        _logs.Dispose();
    }

    [Theory]
    [InlineData("/hello.txt")]
    [InlineData("/sub/a b.txt")]
    [InlineData("/über%41.txt")]
    [InlineData("/.well-known/acme")]
    [InlineData("//hello.txt")]
    [InlineData("/a..b")]
    public void TryFind_FileBelowTheRoot_IsFound(string path)
    {
        _files.Add("www" + path);

        Assert.Equal(_files["www/" + path.TrimStart('/')], Find(path));
    }

    [Theory]
    [InlineData("/missing.txt")]
    [InlineData("")]
    [InlineData("hello.txt")]
    [InlineData("/hello.txt/")]
    [InlineData("/hello.txt/more")]
    [InlineData("/hello.txt\0")]
    [InlineData("/hello.txt\0.png")]
    [InlineData("/sub\\deep.txt")]
    [InlineData("/..\\www-secret\\key.txt")]
    [InlineData("/../www-secret/key.txt")]
    [InlineData("/sub/../../www-secret/key.txt")]
    [InlineData("/./hello.txt")]
    [InlineData("/sub/../hello.txt")]
    [InlineData("/%2e%2e/www-secret/key.txt")]
    [InlineData("/..%2fwww-secret/key.txt")]
    [InlineData("/.env")]
    [InlineData("/.git/config")]
    [InlineData("/sub/.hidden")]
    [InlineData("/.well-known/.env")]
    [InlineData("/.well-known.txt")]
    [InlineData("/sub")]
    [InlineData("/")]
    public void TryFind_AnythingElse_IsNotFound(string path)
    {
        _files.Add("www/hello.txt").Add("www/.env").Add("www/.git/config").Add("www/sub/.hidden").Add("www/sub/deep.txt").Add("www/.well-known/.env")
            .Add("www/.well-known.txt").Add("www-secret/key.txt").Add("www/sub\\deep.txt");

        Assert.Null(Find(path));
    }

    [Fact]
    public void TryFind_PathLongerThanTheSystemAllows_IsNotFound()
    {
        Assert.Null(Find("/" + new string('a', 300)));
        Assert.Null(Find(string.Concat(Enumerable.Repeat("/abcdefghi", 1000))));
    }

    [Theory]
    [InlineData("www/inside.txt", "hello.txt")]
    [InlineData("www/sub/inside.txt", "../hello.txt")]
    [InlineData("www/chain.txt", "sub/inside2.txt")]
    public void TryFind_LinkToInside_IsFoundAndServedFromWhereItLeads(string link, string target)
    {
        _files.Add("www/hello.txt").Link("www/sub/inside2.txt", "../hello.txt").Link(link, target);

        Assert.Equal(_files["www/hello.txt"], Find(link["www".Length..]));
        Assert.Empty(_logs.Entries);
    }

    [Theory]
    [InlineData("www/link.txt", "../www-secret/key.txt", "/link.txt")]
    [InlineData("www/link", "../www-secret", "/link/key.txt")]
    [InlineData("www/sub/link", "../../www-secret/.", "/sub/link/key.txt")]
    public void TryFind_LinkToOutside_IsRefusedAndLoggedOnce(string link, string target, string path)
    {
        _files.Add("www/hello.txt").Add("www-secret/key.txt").Link(link, target);
        var finder = Create(_ => { });

        Assert.False(finder.TryFind(path, out _));
        Assert.False(finder.TryFind(path, out _));

        var entry = Assert.Single(_logs.Find("StaticFileOutside"));
        Assert.Equal(LogLevel.Warning, entry.Level);
        Assert.Contains(_files["www-secret/key.txt"], entry.Message, StringComparison.Ordinal);
        Assert.Single(_logs.Find("StaticFileOutsideAgain"));
    }

    [Fact]
    public void TryFind_EndlessPathsOutside_WarnABoundedNumberOfTimes()
    {
        _files.Add("www-secret/key.txt").Link("www/link", "../www-secret").Link("www-secret/self", ".");
        var finder = Create(_ => { });

        for (var i = 0; i < 300; i++)
        {
            Assert.False(finder.TryFind("/link" + new string('/', i + 1) + "key.txt", out _));
        }

        Assert.Equal(256, _logs.Find("StaticFileOutside").Count);
    }

    [Fact]
    public void TryFind_LinksInACircle_IsNotFound()
    {
        _files.Link("www/a.txt", "b.txt").Link("www/b.txt", "a.txt").Link("www/dir", "dir");

        Assert.Null(Find("/a.txt"));
        Assert.Null(Find("/dir/x"));
    }

    [Fact]
    public void TryFind_RootBehindALink_IsItsTarget()
    {
        _files.Add("releases/2/app.js").Link("current", "releases/2");
        var finder = Create(options => options.CheckStatic[0] = _files["current"]);

        Assert.Equal(_files["releases/2/app.js"], Find(finder, "/app.js"));

        // A deployment that changes the link is followed.
        File.Delete(_files["current"]);
        _files.Add("releases/3/app.js").Link("current", "releases/3");
        Assert.Equal(_files["releases/3/app.js"], Find(finder, "/app.js"));
    }

    [Fact]
    public void TryFind_LinkToASafeDirectory_IsFound()
    {
        _files.Add("safe/a.txt").Add("safer/b.txt").Link("www/a.txt", _files["safe/a.txt"]).Link("www/b.txt", _files["safer/b.txt"]);

        Assert.Equal(_files["safe/a.txt"], Find("/a.txt", options => options.StaticSafe.Add(_files["safe"])));
        Assert.Null(Find("/b.txt", options => options.StaticSafe.Add(_files["safe"] + "/")));
    }

    [Fact]
    public void TryFind_Fifo_IsNotFound()
    {
        _files.Add("www/hello.txt").Fifo("www/pipe.txt");

        Assert.Null(Find("/pipe.txt"));
    }

    [Fact]
    public void TryFind_RootThatAppearsLater_IsLookedForAgain()
    {
        var finder = Create(_ => { });
        Assert.Equal([_files["www"]], finder.MissingRoots);
        Assert.False(finder.TryFind("/hello.txt", out _));

        _files.Add("www/hello.txt");

        Assert.True(finder.TryFind("/hello.txt", out _));
        Assert.Empty(finder.MissingRoots);
    }

    [Fact]
    public void TryFind_SeveralRoots_FirstThatHasTheFileWins()
    {
        _files.Add("www/a.txt").Add("more/a.txt").Add("more/b.txt");
        var finder = Create(options => options.CheckStatic.Add("more/"));

        Assert.Equal(_files["www/a.txt"], Find(finder, "/a.txt"));
        Assert.Equal(_files["more/b.txt"], Find(finder, "/b.txt"));
    }

    [Theory]
    [InlineData("/", "index.html")]
    [InlineData("/sub", "sub/index.htm")]
    [InlineData("/sub/", "sub/index.htm")]
    [InlineData("/empty", null)]
    [InlineData("/empty/", null)]
    public void TryFind_Directory_IsItsFirstIndex(string path, string? expected)
    {
        _files.Add("www/index.html").Add("www/index.htm").Add("www/sub/index.htm").Add("www/empty/other.txt").Fifo("www/sub/index.html");

        var found = Find(path, options =>
        {
            options.StaticIndex.Add("index.html");
            options.StaticIndex.Add("index.htm");
        });

        Assert.Equal(expected is null ? null : _files["www/" + expected], found);
    }

    [Fact]
    public void TryFind_IndexThatLeadsOutside_IsRefused()
    {
        _files.Add("www-secret/key.txt").Link("www/index.html", "../www-secret/key.txt");

        Assert.Null(Find("/", options => options.StaticIndex.Add("index.html")));
    }

    [Theory]
    [InlineData("/script.lua", false)]
    [InlineData("/script.LUA", true)]
    [InlineData("/script.lua.txt", true)]
    public void TryFind_SkippedExtension_IsComparedByCaseAtTheEnd(string path, bool isFound)
    {
        _files.Add("www" + path);

        Assert.Equal(isFound, Find(path, options => options.StaticSkipExt.Add(".lua")) is not null);
    }

    // Who keeps scripts from being sent does not want them under another name, either.
    [Theory]
    [InlineData("/page.txt")]
    [InlineData("/")]
    [InlineData("/plain")]
    [InlineData("/linked/page")]
    public void TryFind_SkippedExtensionBehindAnotherName_IsNotFound(string path)
    {
        _files.Add("www/script.lua").Add("www/index.lua").Add("scripts/page.lua").Link("www/page.txt", "script.lua").Link("www/plain", "script.lua")
            .Link("scripts/page", "page.lua");

        Assert.Null(Find(path, options =>
        {
            options.StaticSkipExt.Add(".lua");
            options.StaticIndex.Add("index.lua");
            options.StaticMap["/linked"] = "scripts";
        }));
    }

    [Theory]
    [InlineData("/s/hello.txt", "map/hello.txt")]
    [InlineData("/shello.txt", null)]
    [InlineData("/s", null)]
    [InlineData("/s/deep/x.txt", "deep/x.txt")]
    [InlineData("/s/deep/hello.txt", null)]
    [InlineData("/s/deep/y.txt", "map/deep/y.txt")]
    [InlineData("/s/../hello.txt", null)]
    [InlineData("/icon", "icon.png")]
    [InlineData("/icon/", "icon.png")]
    [InlineData("/icon/any/thing", "icon.png")]
    [InlineData("/icons", null)]
    [InlineData("/icon/.env", null)]
    public void TryFind_Map_MatchesWholeSegmentsLongestFirst(string path, string? expected)
    {
        _files.Add("map/hello.txt").Add("map/deep/y.txt").Add("deep/x.txt").Add("icon.png");

        var found = Find(path, options =>
        {
            options.CheckStatic.Clear();
            options.StaticMap["/s"] = "map";
            options.StaticMap["/s/deep/"] = _files["deep"];
            options.StaticMap["/icon"] = "icon.png";
        });

        Assert.Equal(expected is null ? null : _files[expected], found);
    }

    [Fact]
    public void TryFind_MapOfTheWholeSite_TakesEveryPath()
    {
        _files.Add("map/hello.txt");

        Assert.Equal(_files["map/hello.txt"], Find("/hello.txt", options => options.StaticMap["/"] = "map"));
    }

    [Fact]
    public void TryFind_MappedFile_MayBeALink()
    {
        _files.Add("elsewhere/icon.png").Link("icon.png", "elsewhere/icon.png");

        Assert.Equal(_files["elsewhere/icon.png"], Find("/icon", options => options.StaticMap["/icon"] = "icon.png"));
    }

    [Fact]
    public void TryFind_CheckStaticAndMap_CheckStaticComesFirst()
    {
        _files.Add("www/s/a.txt").Add("map/a.txt");

        Assert.Equal(_files["www/s/a.txt"], Find("/s/a.txt", options => options.StaticMap["/s"] = "map"));
    }

    [Fact]
    public void TryFindBeside_VariantThatLeadsOutside_IsRefused()
    {
        _files.Add("www/a.css").Add("www-secret/key.txt").Link("www/a.css.gz", "../www-secret/key.txt").Add("www/a.css.br");
        var finder = Create(_ => { });
        Assert.True(finder.TryFind("/a.css", out var file));

        Assert.False(finder.TryFindBeside(file, ".gz", out _));
        Assert.True(finder.TryFindBeside(file, ".br", out var brotli));
        Assert.Equal(_files["www/a.css.br"], brotli.RealPath);
    }

    [Fact]
    public void OfAnySystem_FilesAndDirectories_AreToldApart()
    {
        _files.Add("www/a.css");

        Assert.Equal(FileKind.File, FileKinds.OfAnySystem(_files["www/a.css"]));
        Assert.Equal(FileKind.Directory, FileKinds.OfAnySystem(_files["www"]));
        Assert.Equal(FileKind.None, FileKinds.OfAnySystem(_files["www/b.css"]));
    }

    private string? Find(string path, Action<UwsgiOptions>? configure = null) => Find(Create(configure ?? (_ => { })), path);

    private static string? Find(StaticFileFinder finder, string path) => finder.TryFind(path, out var file) ? file.RealPath : null;

    private StaticFileFinder Create(Action<UwsgiOptions> configure)
    {
        var options = new UwsgiOptions { CheckStatic = { "www" } };
        configure(options);
        return new StaticFileFinder(options, _files.Path, _logs.CreateLogger("test"));
    }
}
