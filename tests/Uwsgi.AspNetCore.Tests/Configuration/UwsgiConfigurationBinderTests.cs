using System.Globalization;
using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Uwsgi.AspNetCore.Configuration;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Tests.Configuration;

public class UwsgiConfigurationBinderTests
{
    public static TheoryData<string> Keys =>
    [
        .. typeof(UwsgiOptions).GetProperties().Where(IsSetting).Select(property => property.Name),
        .. typeof(UwsgiLimits).GetProperties().Where(IsSetting).Select(property => $"Limits:{property.Name}"),
    ];

    [Theory]
    [MemberData(nameof(Keys))]
    public void Configure_EveryOption_IsReadUnderItsOwnName(string key)
    {
        var (target, property) = Find(new UwsgiOptions(), key);
        var before = Describe(property.GetValue(target));

        var options = BindValues(Sample(key, property.PropertyType));

        (target, property) = Find(options, key);
        Assert.Empty(options.ConfigurationErrors);
        Assert.NotEqual(before, Describe(property.GetValue(target)));
    }

    [Fact]
    public void Configure_Json_ReadsTheSection()
    {
        var options = BindJson(
            """
            {
              "Sockets": ["127.0.0.1:3031", "/run/app.sock"],
              "SocketMode": "660",
              "AllowFrom": ["10.0.0.0/8"],
              "ScriptName": "trust",
              "Modifiers": [0, 5],
              "Vacuum": false,
              "Limits": {
                "MaxRequestBodySize": 1048576,
                "RequestHeadersTimeout": "00:00:05",
                "RequestBodyTimeout": 1.5,
                "MinRequestBodyDataRate": { "BytesPerSecond": 240, "GracePeriod": 5 }
              }
            }
            """);

        Assert.Empty(options.ConfigurationErrors);
        Assert.Equal(["127.0.0.1:3031", "/run/app.sock"], options.Sockets);
        Assert.Equal("660", options.SocketMode);
        Assert.Equal(["10.0.0.0/8"], options.AllowFrom);
        Assert.Equal(ScriptNameMode.Trust, options.ScriptName);
        Assert.Equal([0, 5], options.Modifiers);
        Assert.False(options.Vacuum);
        Assert.Equal(1_048_576, options.Limits.MaxRequestBodySize);
        Assert.Equal(TimeSpan.FromSeconds(5), options.Limits.RequestHeadersTimeout);
        Assert.Equal(TimeSpan.FromSeconds(1.5), options.Limits.RequestBodyTimeout);
        Assert.Equal(240, options.Limits.MinRequestBodyDataRate!.BytesPerSecond);
        Assert.Equal(TimeSpan.FromSeconds(5), options.Limits.MinRequestBodyDataRate.GracePeriod);
    }

    [Theory]
    [InlineData("127.0.0.1:3031;/run/app.sock")]
    [InlineData(" 127.0.0.1:3031 ; /run/app.sock ;")]
    [InlineData("127.0.0.1:3031,/run/app.sock")]
    public void Configure_ListAsOneString_IsTheList(string value) =>
        Assert.Equal(["127.0.0.1:3031", "/run/app.sock"], BindValues(new() { ["Uwsgi:Sockets"] = value }).Sockets);

    [Fact]
    public void Configure_NoSection_LeavesTheDefaults()
    {
        var options = BindValues([]);

        Assert.Empty(options.Sockets);
        Assert.Equal(512, options.Backlog);
        Assert.True(options.Vacuum);
        Assert.Equal(65_535, options.BufferSize);
        Assert.Equal(ScriptNameMode.Auto, options.ScriptName);
        Assert.True(options.AllowUpgrade);
        Assert.True(options.AbortOnHalfClose);
        Assert.True(options.SendAccelBuffering);
        Assert.True(options.PoolRequests);
        Assert.False(options.AllowSynchronousIO);
        Assert.False(options.AddServerHeader);
        Assert.False(options.AddDateHeader);
        Assert.False(options.ForwardClientCertificate);
        Assert.False(options.ForwardRemoteUser);
        Assert.False(options.PreserveEncodedSlashes);
        Assert.Equal(30_000_000, options.Limits.MaxRequestBodySize);
        Assert.Equal(TimeSpan.FromSeconds(30), options.Limits.RequestHeadersTimeout);
        Assert.Equal(TimeSpan.FromSeconds(60), options.Limits.RequestBodyTimeout);
        Assert.Null(options.Limits.MinRequestBodyDataRate);
        Assert.Null(options.Limits.MinResponseDataRate);
        Assert.Equal(64 * 1024 * 1024, options.Limits.MaxDrainBytes);
        Assert.Equal(TimeSpan.FromSeconds(5), options.Limits.DrainTimeout);
        Assert.Null(options.Limits.MaxConcurrentConnections);
        Assert.Null(options.Limits.MaxConcurrentUpgradedConnections);
        Assert.Equal(100, options.Limits.MaxRequestHeaderCount);
    }

    [Theory]
    [InlineData("Backlog", "many")]
    [InlineData("Vacuum", "yes")]
    [InlineData("ScriptName", "Maybe")]
    [InlineData("ScriptName", "1")]
    [InlineData("Modifiers", "0;x")]
    [InlineData("Limits:RequestHeadersTimeout", "soon")]
    [InlineData("Limits:MaxRequestBodySize", "1M")]
    [InlineData("Limits:MinRequestBodyDataRate:BytesPerSecond", "fast")]
    [InlineData("Limits:MinRequestBodyDataRate:GracePeriod", "1")]
    public void Configure_UnreadableValue_IsAnErrorThatNamesKeyAndValue(string key, string value)
    {
        var options = BindValues(new() { [$"Uwsgi:{key}"] = value });

        Assert.Contains(options.ConfigurationErrors, error => error.Contains(key.Split(':')[^1]) || error.Contains(key.Split(':')[^2]));
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void Configure_EveryOption_ReportsAnUnreadableValueWithKeyAndValue(string key)
    {
        // A text alone can be anything; what it says is for the validators.
        var (_, property) = Find(new UwsgiOptions(), key);
        var (name, value) = Unreadable(key, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);

        var error = Assert.Single(BindValues(new() { [$"Uwsgi:{name}"] = value }).ConfigurationErrors);

        Assert.StartsWith($"Uwsgi:{key}", error);
        Assert.Contains(value, error);
        Assert.Matches("' is (not|no) .*\\.$", error);
    }

    [Theory]
    [InlineData("""{ "Limits": "none" }""", "Uwsgi:Limits: 'none' is not an object with keys of its own.")]
    [InlineData("""{ "Backlog": [ 5 ] }""", "Uwsgi:Backlog: '0=5' is not a whole number.")]
    [InlineData("""{ "Sockets": [ { "Address": "a" } ] }""", "Uwsgi:Sockets:0: 'Address=a' is not a text.")]
    [InlineData("""{ "StaticExpiresType": { "text/css": "soon" } }""", "Uwsgi:StaticExpiresType:text/css: 'soon' is not a duration: seconds, or hh:mm:ss.")]
    public void Configure_WrongShape_IsReportedWithKeyAndValue(string section, string error) =>
        Assert.Equal([error], BindJson(section).ConfigurationErrors);

    [Fact]
    public void Configure_EmptyListsAndObjects_AreNothing()
    {
        var options = BindJson("""{ "Sockets": [], "Mounts": {}, "Limits": {}, "StaticMap": {}, "MimeTypes": {} }""");

        Assert.Empty(options.ConfigurationErrors);
        Assert.Empty(options.Sockets);
        Assert.Null(options.MimeFile);
    }

    [Fact]
    public void Configure_SeveralUnreadableValues_AreAllReported()
    {
        var options = BindValues(new() { ["Uwsgi:Backlog"] = "x", ["Uwsgi:Vacuum"] = "x", ["Uwsgi:Limits:DrainTimeout"] = "x" });

        Assert.Equal(3, options.ConfigurationErrors.Count);
    }

    [Theory]
    [InlineData("Harakri", "Uwsgi:Harakri: there is no such option; did you mean Uwsgi:Harakiri?")]
    [InlineData("socket", "Uwsgi:socket: there is no such option; did you mean Uwsgi:Sockets?")]
    [InlineData("Limits:DrainTimout", "Uwsgi:Limits:DrainTimout: there is no such option; did you mean Uwsgi:Limits:DrainTimeout?")]
    [InlineData("Mounts:/a:Aplication", "Uwsgi:Mounts:/a:Aplication: there is no such option; did you mean Uwsgi:Mounts:/a:App?")]
    [InlineData("Limits:MinResponseDataRate:Bytes", "Uwsgi:Limits:MinResponseDataRate:Bytes: there is no such option; did you mean Uwsgi:Limits:MinResponseDataRate:BytesPerSecond?")]
    public void Configure_UnknownKey_IsReportedWithTheNearestName(string key, string error) =>
        Assert.Contains(error, BindValues(new() { [$"Uwsgi:{key}"] = "1" }).ConfigurationErrors);

    [Fact]
    public void Configure_Mounts_AreNamesOrObjects()
    {
        var options = BindJson("""{ "Mounts": { "/app1": "shop", "example.com/admin": { "App": "admin", "Harakiri": 10 } } }""");

        Assert.Empty(options.ConfigurationErrors);
        Assert.Equal(("shop", null), (options.Mounts["/app1"].App, options.Mounts["/app1"].Harakiri));
        var admin = options.Mounts["example.com/admin"];
        Assert.Equal(("admin", TimeSpan.FromSeconds(10)), (admin.App, admin.Harakiri));
    }

    [Theory]
    [InlineData("x-accel-redirect", FileServeMode.XAccelRedirect)]
    [InlineData("x-sendfile", FileServeMode.XSendfile)]
    [InlineData("send", FileServeMode.Send)]
    [InlineData("XSendfile", FileServeMode.XSendfile)]
    public void Configure_FileServeMode_HasUwsgisNames(string value, FileServeMode mode) =>
        Assert.Equal(mode, BindValues(new() { ["Uwsgi:FileServeMode"] = value }).FileServeMode);

    [Fact]
    public void Configure_MimeTypes_AreAMapOrAFile()
    {
        Assert.Equal("text/x-lua", BindValues(new() { ["Uwsgi:MimeTypes:.lua"] = "text/x-lua" }).MimeTypes[".lua"]);
        Assert.Equal("/etc/mime.types", BindValues(new() { ["Uwsgi:MimeTypes"] = "/etc/mime.types" }).MimeFile);
    }

    [Fact]
    public void Configure_StaticExpires_IsNotSplit() =>
        Assert.Equal(["a{1,2};b 60"], BindValues(new() { ["Uwsgi:StaticExpires"] = "a{1,2};b 60" }).StaticExpires);

    [Fact]
    public void Configure_EmptyLimit_MeansNone()
    {
        var options = BindValues(new()
        {
            ["Uwsgi:Limits:MaxRequestBodySize"] = "",
            ["Uwsgi:Limits:MaxDrainBytes"] = "",
        });

        Assert.Null(options.Limits.MaxRequestBodySize);
        Assert.Null(options.Limits.MaxDrainBytes);
    }

    [Fact]
    public void MaxRequestBodySize_Unset_IsKestrels()
    {
        var kestrel = new KestrelServerOptions { Limits = { MaxRequestBodySize = 77 } };

        Assert.Equal(77, new GatewaySettings(new UwsgiOptions(), kestrel).MaxRequestBodySize);
        Assert.Equal(5, new GatewaySettings(new UwsgiOptions { Limits = { MaxRequestBodySize = 5 } }, kestrel).MaxRequestBodySize);
        Assert.Null(new GatewaySettings(new UwsgiOptions { Limits = { MaxRequestBodySize = null } }, kestrel).MaxRequestBodySize);
    }

    private static bool IsSetting(PropertyInfo property) =>
        property.Name != nameof(UwsgiOptions.Limits) && !typeof(Delegate).IsAssignableFrom(property.PropertyType);

    private static (object Target, PropertyInfo Property) Find(UwsgiOptions options, string key) => key.Split(':') switch
    {
        [var name] => (options, typeof(UwsgiOptions).GetProperty(name)!),
        [_, var name] => (options.Limits, typeof(UwsgiLimits).GetProperty(name)!),
        _ => throw new NotSupportedException(key),
    };

    private static Dictionary<string, string?> Sample(string key, Type type)
    {
        key = $"Uwsgi:{key}";
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type switch
        {
            _ when type == typeof(bool) => new() { [key] = (Default(key) is not true).ToString() },
            _ when type == typeof(int) || type == typeof(long) => new() { [key] = "333" },
            _ when type == typeof(string) => new() { [key] = "/app" },
            _ when type == typeof(TimeSpan) => new() { [key] = "3" },
            _ when type.IsEnum => new() { [key] = Enum.GetNames(type)[^1] },
            _ when type == typeof(IList<int>) => new() { [$"{key}:0"] = "5" },
            _ when type == typeof(IList<string>) => new() { [$"{key}:0"] = "10.0.0.1" },
            _ when type == typeof(IDictionary<string, string>) || type == typeof(IDictionary<string, UwsgiMount>) => new() { [$"{key}:/a"] = "b" },
            _ when type == typeof(IDictionary<string, TimeSpan>) => new() { [$"{key}:text/css"] = "60" },
            _ when type == typeof(MinDataRate) => new() { [$"{key}:BytesPerSecond"] = "100", [$"{key}:GracePeriod"] = "00:00:10" },
            _ => throw new NotSupportedException($"No sample for {type}; teach the binder and this test about it."),
        };
    }

    private static (string Key, string Value) Unreadable(string key, Type type) => type switch
    {
        _ when key == nameof(UwsgiOptions.MimeTypes) => ($"{key}:.lua:x", "list"),
        _ when type == typeof(string) => ($"{key}:0", "list"),
        _ when type == typeof(IList<string>) => ($"{key}:0:x", "list"),
        _ when type == typeof(IDictionary<string, TimeSpan>) => ($"{key}:text/css", "soon"),
        _ when type == typeof(bool) => (key, "perhaps"),
        _ when type.IsEnum => (key, "Sometimes"),
        _ => (key, "many"),
    };

    private static object? Default(string key)
    {
        var (target, property) = Find(new UwsgiOptions(), key["Uwsgi:".Length..]);
        return property.GetValue(target);
    }

    private static string? Describe(object? value) => value switch
    {
        IEnumerable<string> list => string.Join(';', list),
        System.Collections.IDictionary map => string.Join(';', map.Keys.Cast<string>()),
        IEnumerable<int> list => string.Join(';', list),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    private static UwsgiOptions BindValues(Dictionary<string, string?> values) =>
        Bind(new ConfigurationBuilder().AddInMemoryCollection(values).Build());

    private static UwsgiOptions BindJson(string section) => Bind(new ConfigurationBuilder()
        .AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "Uwsgi": {{section}} }""")))
        .Build());

    private static UwsgiOptions Bind(IConfiguration configuration)
    {
        var options = new UwsgiOptions();
        new UwsgiConfigurationBinder(configuration).Configure(options);
        return options;
    }
}
