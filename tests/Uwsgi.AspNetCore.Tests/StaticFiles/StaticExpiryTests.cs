using Uwsgi.AspNetCore.StaticFiles;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Tests.StaticFiles;

public sealed class StaticExpiryTests : IDisposable
{
    private readonly LogSink _logs = new();

    public void Dispose() => _logs.Dispose();

    [Theory]
    [InlineData("/www/a.css", "text/css", 10)]
    [InlineData("/www/a.js", "text/javascript", 20)]
    [InlineData("/www/a b.html", "text/html", 30)]
    [InlineData("/www/a.html", "text/html; charset=utf-8", 40)]
    [InlineData("/www/a.html", "TEXT/HTML", 40)]
    [InlineData("/www/a.png", "image/png", null)]
    [InlineData("/www/a", null, null)]
    [InlineData("/www/a-1.js", "text/javascript", 50)]
    public void Of_Path_IsWhatTheFirstMatchSays(string path, string? type, int? expected)
    {
        var options = new UwsgiOptions
        {
            StaticExpires = { @"\.css$ 10", @"^(?!.*-\d).*\.js$ 20", "a b 30", @"\.(css|js)$   50 " },
            StaticExpiresType = { ["text/html"] = TimeSpan.FromSeconds(40) },
        };

        Assert.Equal(expected, (int?)new StaticExpiry(options, _logs.CreateLogger("test")).Of(path, type)?.TotalSeconds);
    }

    [Fact]
    public void Of_PatternThatBacktracksForGood_CountsAsNotMatching()
    {
        // The look-ahead keeps it from the engine that needs linear time only.
        var options = new UwsgiOptions { StaticExpires = { "(?=.)^(a+)+$ 10", "b$ 20" } };

        var age = new StaticExpiry(options, _logs.CreateLogger("test")).Of(new string('a', 60) + "b", null);

        Assert.Equal(TimeSpan.FromSeconds(20), age);
        Assert.Single(_logs.Find("StaticExpiresTimeout"));
    }
}
