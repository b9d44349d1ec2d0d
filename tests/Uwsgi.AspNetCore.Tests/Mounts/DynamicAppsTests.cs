using System.Collections.Frozen;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Mounts;
using Uwsgi.AspNetCore.Testing;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Tests.Mounts;

public sealed class DynamicAppsTests : IDisposable
{
    private readonly LogSink _logs = new();
    private readonly DynamicApps _apps;

    public DynamicAppsTests() => _apps = new DynamicApps(
        new[] { "testapp", "m", "m:admin", "f.wsgi", "id" }.ToFrozenDictionary(
            name => name,
            name => new MountedApp(_ => Task.CompletedTask, new AppCounters(0, name), null)),
        _logs.CreateLogger("Uwsgi.AspNetCore"));

    public void Dispose() => _logs.Dispose();

    [Theory]
    [InlineData("UWSGI_SCRIPT=testapp", "testapp")]
    [InlineData("UWSGI_SCRIPT=m:admin", "m:admin")]
    [InlineData("UWSGI_SCRIPT=testapp|UWSGI_MODULE=m|UWSGI_FILE=f.wsgi|UWSGI_APPID=id", "testapp")]
    [InlineData("UWSGI_MODULE=m|UWSGI_FILE=f.wsgi|UWSGI_APPID=id", "m")]
    [InlineData("UWSGI_MODULE=m|UWSGI_CALLABLE=admin", "m:admin")]
    [InlineData("UWSGI_MODULE=m|UWSGI_CALLABLE=application", "m")]
    [InlineData("UWSGI_FILE=f.wsgi|UWSGI_APPID=id", "f.wsgi")]
    [InlineData("UWSGI_SCRIPT=|UWSGI_APPID=id", "id")]
    [InlineData("UWSGI_APPID=m|UWSGI_CALLABLE=admin", "m")]
    public void TryFind_Variables_NameAnAppInUwsgisOrder(string variables, string expected)
    {
        Assert.True(_apps.TryFind(new Variables(variables), out var app));
        Assert.Equal(expected, app!.Counters.MountPoint);
        Assert.Empty(_logs.Entries);
    }

    [Theory]
    [InlineData("UWSGI_SCRIPT=nobody")]
    [InlineData("UWSGI_SCRIPT=nobody|UWSGI_APPID=id")]
    [InlineData("UWSGI_SCRIPT=TESTAPP")]
    [InlineData("UWSGI_FILE=/srv/f.wsgi")]
    [InlineData("UWSGI_FILE=exec://id")]
    public void TryFind_NameThatNobodyAdded_IsNoAppAndLogged(string variables)
    {
        Assert.True(_apps.TryFind(new Variables(variables), out var app));
        Assert.Null(app);
        var entry = Assert.Single(_logs.Entries);
        Assert.Equal(LogLevel.Warning, entry.Level);
        Assert.Contains("'f.wsgi', 'id', 'm', 'm:admin', 'testapp'", entry.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("UWSGI_SCRIPT=")]
    [InlineData("UWSGI_CALLABLE=admin")]
    [InlineData("HTTP_UWSGI_SCRIPT=testapp")]
    [InlineData("SCRIPT_NAME=testapp")]
    public void TryFind_OtherVariables_NameNothing(string variables) => Assert.False(_apps.TryFind(new Variables(variables), out _));

    [Fact]
    public void TryFind_UnknownNames_DoNotFloodTheLog()
    {
        for (var i = 0; i < 200; i++)
        {
            _apps.TryFind(new Variables($"UWSGI_SCRIPT=app{i % 100}"), out _);
        }

        Assert.Equal(64, _logs.Entries.Count(entry => entry.Level == LogLevel.Warning));
        Assert.Equal(136, _logs.Entries.Count(entry => entry.Level == LogLevel.Debug));
    }

    [Fact]
    public void TryFind_UnknownName_IsLoggedShortAndOnOneLine()
    {
        _apps.TryFind(new Variables("UWSGI_SCRIPT=a\r\nfail: forged" + new string('x', 5000)), out _);

        var message = Assert.Single(_logs.Entries).Message;
        Assert.Contains("\"a??fail: forgedx", message);
        Assert.DoesNotContain('\n', message);
        Assert.InRange(message.Length, 128, 400);
    }

    private sealed class Variables(string variables) : IServerVariablesFeature
    {
        private readonly Dictionary<string, string> _variables = variables
            .Split('|', StringSplitOptions.RemoveEmptyEntries)
            .Select(variable => variable.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);

        public string? this[string variableName]
        {
            get => _variables.GetValueOrDefault(variableName);
            set => throw new NotSupportedException();
        }
    }
}
