using Uwsgi.AspNetCore.Configuration;

namespace Uwsgi.AspNetCore.Tests.Configuration;

public class UwsgiOptionsValidatorTests
{
    public static TheoryData<string, Action<UwsgiOptions>> Mistakes => new()
    {
        { "Uwsgi:Sockets: 'nowhere'", options => options.Sockets.Add("nowhere") },
        { "Uwsgi:Sockets: '/a.sock' is listed twice", options => { options.Sockets.Add("/a.sock"); options.Sockets.Add("/a.sock"); } },
        { "Uwsgi:Sockets: 'unix:/a.sock' is listed twice", options => { options.Sockets.Add("/a.sock"); options.Sockets.Add("unix:/a.sock"); } },
        { "Uwsgi:AutoSockets: 'nowhere'", options => options.AutoSockets.Add("nowhere") },
        { "Uwsgi:AutoSockets: '/a.sock' is listed twice", options => { options.Sockets.Add("/a.sock"); options.AutoSockets.Add("/a.sock"); } },
        { "Uwsgi:AllowFrom: 'everyone'", options => options.AllowFrom.Add("everyone") },
        { "Uwsgi:SocketMode: 'rw'", options => options.SocketMode = "rw" },
        { "Uwsgi:SocketMode: '66'", options => options.SocketMode = "66" },
        { "Uwsgi:SocketMode: '680'", options => options.SocketMode = "680" },
        { "Uwsgi:Backlog: 0", options => options.Backlog = 0 },
        { "Uwsgi:BufferSize: 255", options => options.BufferSize = 255 },
        { "Uwsgi:BufferSize: 16777217", options => options.BufferSize = 16_777_217 },
        { "Uwsgi:ScriptName: 9", options => options.ScriptName = (ScriptNameMode)9 },
        { "Uwsgi:PathBase: 'app'", options => options.PathBase = "app" },
        { "Uwsgi:PathBase: '/app/'", options => options.PathBase = "/app/" },
        { "Uwsgi:PathBase: '/'", options => options.PathBase = "/" },
        { "Uwsgi:PathBase: ''", options => options.PathBase = "" },
        { "Uwsgi:PathBase: '/app//x'", options => options.PathBase = "/app//x" },
        { "Uwsgi:PathBase: '/app?x'", options => options.PathBase = "/app?x" },
        { "Uwsgi:SocketOwner: ''", options => options.SocketOwner = "" },
        { "Uwsgi:SocketGroup: ' '", options => options.SocketGroup = " " },
        { "Uwsgi:Limits:KeepAliveTimeout: 00:00:00", options => options.Limits.KeepAliveTimeout = TimeSpan.Zero },
        { "Uwsgi:Limits:StalledBodyTimeout: -00:00:01", options => options.Limits.StalledBodyTimeout = TimeSpan.FromSeconds(-1) },
        { "Uwsgi:Limits:MaxRequestsPerConnection: 0", options => options.Limits.MaxRequestsPerConnection = 0 },
        { "Uwsgi:Limits:MaxHalfOpenRequests: 0", options => options.Limits.MaxHalfOpenRequests = 0 },
        { "Uwsgi:Modifiers: 256", options => options.Modifiers.Add(256) },
        { "Uwsgi:Modifiers: -1", options => options.Modifiers.Add(-1) },
        { "Uwsgi:Modifiers: 100", options => options.Modifiers.Add(100) },
        { "Uwsgi:Limits:MaxRequestBodySize: -1", options => options.Limits.MaxRequestBodySize = -1 },
        { "Uwsgi:Limits:MaxDrainBytes: -1", options => options.Limits.MaxDrainBytes = -1 },
        { "Uwsgi:Limits:MaxConcurrentConnections: 0", options => options.Limits.MaxConcurrentConnections = 0 },
        { "Uwsgi:Limits:MaxConcurrentUpgradedConnections: -1", options => options.Limits.MaxConcurrentUpgradedConnections = -1 },
        { "Uwsgi:Limits:MaxRequestHeaderCount: 0", options => options.Limits.MaxRequestHeaderCount = 0 },
        { "Uwsgi:Limits:RequestHeadersTimeout", options => options.Limits.RequestHeadersTimeout = TimeSpan.Zero },
        { "Uwsgi:Limits:RequestBodyTimeout", options => options.Limits.RequestBodyTimeout = TimeSpan.Zero },
        { "Uwsgi:Limits:DrainTimeout", options => options.Limits.DrainTimeout = TimeSpan.FromSeconds(-1) },
    };

    public static TheoryData<string, Action<UwsgiOptions>> Borders => new()
    {
        { "defaults", _ => { } },
        { "smallest", options => (options.Backlog, options.BufferSize, options.Limits.MaxRequestHeaderCount) = (1, 256, 1) },
        { "largest", options => options.BufferSize = 16_777_216 },
        { "no body", options => options.Limits.MaxRequestBodySize = 0 },
        { "no limit", options => (options.Limits.MaxRequestBodySize, options.Limits.MaxDrainBytes) = (null, null) },
        { "no drain", options => (options.Limits.MaxDrainBytes, options.Limits.DrainTimeout) = (0, TimeSpan.Zero) },
        { "no upgrade", options => options.Limits.MaxConcurrentUpgradedConnections = 0 },
        { "modifiers", options => { options.Modifiers.Add(0); options.Modifiers.Add(255); } },
        { "mode", options => options.SocketMode = "660" },
        { "mode with a zero", options => options.SocketMode = "0660" },
        { "path base", options => options.PathBase = "/app/inner" },
        { "two chosen ports", options => { options.Sockets.Add("127.0.0.1:0"); options.Sockets.Add("127.0.0.1:0"); } },
        { "two sockets", options => { options.Sockets.Add("/a.sock"); options.Sockets.Add("127.0.0.1:3031"); } },
        { "peers", options => { options.AllowFrom.Add("10.0.0.0/8"); options.AllowFrom.Add("::1"); } },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Validate_Mistake_IsReportedWithKeyAndValue(string expected, Action<UwsgiOptions> mistake)
    {
        var options = new UwsgiOptions();
        mistake(options);

        var result = new UwsgiOptionsValidator().Validate(null, options);

        Assert.StartsWith(expected, Assert.Single(result.Failures!));
    }

    [Theory]
    [MemberData(nameof(Borders))]
    public void Validate_BorderOfARange_IsAccepted(string name, Action<UwsgiOptions> configure)
    {
        var options = new UwsgiOptions();
        configure(options);

        Assert.True(new UwsgiOptionsValidator().Validate(null, options).Succeeded, name);
    }

    [Fact]
    public void Validate_SeveralMistakes_AreReportedTogether()
    {
        var options = new UwsgiOptions { Backlog = 0, BufferSize = 0, SocketMode = "x", Limits = { MaxRequestHeaderCount = 0 } };
        options.Sockets.Add("nowhere");
        options.ConfigurationErrors.Add("Uwsgi:Vacuum: 'x' is not true or false.");

        var failures = new UwsgiOptionsValidator().Validate(null, options).Failures!.ToList();

        Assert.Equal(6, failures.Count);
        Assert.Equal("Uwsgi:Vacuum: 'x' is not true or false.", failures[0]);
    }
}
