using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Uwsgi.AspNetCore.Configuration;

namespace Uwsgi.AspNetCore.Tests.Configuration;

/// <summary>The schema that editors complete the section "Uwsgi" with says what the options say.</summary>
public class ConfigurationSchemaTests
{
    private static readonly Assembly Resources = typeof(ConfigurationSchemaTests).Assembly;
    private static readonly JsonElement Schema = JsonDocument.Parse(ReadText("ConfigurationSchema.json")).RootElement;
    private static readonly JsonElement Section = Schema.GetProperty("properties").GetProperty("Uwsgi");

    private static readonly string[] KeyNames =
    [
        .. Settings(typeof(UwsgiOptions)).Where(property => property.Name != nameof(UwsgiOptions.Limits)).Select(property => property.Name),
        .. Settings(typeof(UwsgiLimits)).Select(property => $"Limits:{property.Name}"),
    ];

    private static readonly string[] FileNames =
        [.. Resources.GetManifestResourceNames().Where(name => name.StartsWith("page:", StringComparison.Ordinal) || name.StartsWith("settings:", StringComparison.Ordinal))];

    public static TheoryData<string> Keys => [.. KeyNames];

    public static TheoryData<string> Files => [.. FileNames];

    [Fact]
    public void Keys_AreTheOptions()
    {
        Assert.Equal(Settings(typeof(UwsgiOptions)).Select(property => property.Name).Order(), NamesIn(Section));
        Assert.Equal(Settings(typeof(UwsgiLimits)).Select(property => property.Name).Order(), NamesIn(Section.GetProperty("properties").GetProperty("Limits")));
        Assert.Equal(
            Settings(typeof(UwsgiMount)).Select(property => property.Name).Order(),
            NamesIn(Section.GetProperty("properties").GetProperty("Mounts").GetProperty("additionalProperties")));
        Assert.Equal(
            Settings(typeof(MinDataRate)).Select(property => property.Name).Order(),
            NamesIn(Find("Limits:MinResponseDataRate")));
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void Key_HasTheOptionsType_AndADescription(string key)
    {
        var entry = Find(key);
        var property = FindProperty(key);

        Assert.InRange(entry.GetProperty("description").GetString()!.Length, 10, 250);
        Assert.Matches(@"^[A-Z%].*\.$", entry.GetProperty("description").GetString());
        Assert.Equal(ExpectedType(property), entry.TryGetProperty("type", out var type) ? type.ToString().Replace(" ", "").Replace("\n", "") : "enum");
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void Key_HasTheOptionsDefault(string key)
    {
        object target = key.StartsWith("Limits:", StringComparison.Ordinal) ? new UwsgiLimits() : new UwsgiOptions();
        var value = FindProperty(key).GetValue(target);
        var expected = value switch
        {
            null or System.Collections.ICollection => "none",
            bool flag => flag ? "True" : "False",
            TimeSpan time => time.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            FileServeMode.Send => "send",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };

        Assert.Equal(expected, Find(key).TryGetProperty("default", out var actual) ? actual.ToString() : "none");
    }

    [Theory]
    [InlineData("ScriptName", typeof(ScriptNameMode))]
    [InlineData("FileServeMode", typeof(FileServeMode))]
    [InlineData("HarakiriAction", typeof(HarakiriAction))]
    [InlineData("Transport", typeof(UwsgiTransport))]
    public void Choices_AreThoseThatCanBeRead(string key, Type type)
    {
        var choices = Find(key).GetProperty("enum").EnumerateArray().Select(choice => choice.GetString()!).ToList();

        Assert.Empty(Enum.GetNames(type).Except(choices));
        Assert.All(choices, choice => Assert.Empty(Bind(key, choice).ConfigurationErrors));
    }

    [Fact]
    public void Choices_AreTestedForEveryEnumeration() => Assert.Equal(
        4, KeyNames.Select(FindProperty).Count(property => (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType).IsEnum));

    [Theory]
    [InlineData("Backlog")]
    [InlineData("BufferSize")]
    [InlineData("LogSlow")]
    [InlineData("Harakiri")]
    [InlineData("HarakiriGrace")]
    [InlineData("HarakiriMaxStuck")]
    [InlineData("MaxRequests")]
    [InlineData("MaxWorkerLifetime")]
    [InlineData("ReloadOnRss")]
    [InlineData("Limits:MaxRequestBodySize")]
    [InlineData("Limits:MaxDrainBytes")]
    [InlineData("Limits:MaxConcurrentConnections")]
    [InlineData("Limits:MaxConcurrentUpgradedConnections")]
    [InlineData("Limits:MaxRequestHeaderCount")]
    [InlineData("Limits:MaxRequestsPerConnection")]
    [InlineData("Limits:MaxHalfOpenRequests")]
    [InlineData("Limits:RequestHeadersTimeout")]
    [InlineData("Limits:RequestBodyTimeout")]
    [InlineData("Limits:DrainTimeout")]
    [InlineData("Limits:KeepAliveTimeout")]
    [InlineData("Limits:StalledBodyTimeout")]
    public void Bounds_AreThoseOfTheValidators(string key)
    {
        var entry = Find(key);
        var (bound, beyond) = entry.TryGetProperty("minimum", out var minimum)
            ? (minimum.GetInt64(), minimum.GetInt64() - 1)
            : (entry.GetProperty("exclusiveMinimum").GetInt64() + 1, entry.GetProperty("exclusiveMinimum").GetInt64());

        Assert.Empty(Validate(key, bound));
        Assert.StartsWith($"Uwsgi:{key}:", Assert.Single(Validate(key, beyond)));
        if (entry.TryGetProperty("maximum", out var maximum))
        {
            Assert.Empty(Validate(key, maximum.GetInt64()));
            Assert.Single(Validate(key, maximum.GetInt64() + 1));
        }
        else
        {
            Assert.Empty(Validate(key, int.MaxValue));
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Examples_AreValid(string file)
    {
        foreach (var settings in ReadSettings(file))
        {
            var errors = JsonSchema.FindErrors(Schema, JsonDocument.Parse(settings).RootElement);
            Assert.True(!errors.Any(), $"{settings}\n{string.Join('\n', errors)}");
        }
    }

    [Fact]
    public void Examples_AreFound()
    {
        Assert.Contains("page:README.md", FileNames);
        Assert.NotEmpty(ReadSettings("page:README.md"));
        Assert.Contains(FileNames, file => file.StartsWith("settings:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{ "Socket": "a" }""", "/Uwsgi/Socket: additionalProperties")]
    [InlineData("""{ "Backlog": 0 }""", "/Uwsgi/Backlog: minimum")]
    [InlineData("""{ "Backlog": "many" }""", "/Uwsgi/Backlog: type")]
    [InlineData("""{ "BufferSize": 16777217 }""", "/Uwsgi/BufferSize: maximum")]
    [InlineData("""{ "Vacuum": 1 }""", "/Uwsgi/Vacuum: type")]
    [InlineData("""{ "Sockets": [ 1 ] }""", "/Uwsgi/Sockets/0: type")]
    [InlineData("""{ "ScriptName": "Sometimes" }""", "/Uwsgi/ScriptName: enum")]
    [InlineData("""{ "Harakiri": 0 }""", "/Uwsgi/Harakiri: exclusiveMinimum")]
    [InlineData("""{ "Harakiri": "soon" }""", "/Uwsgi/Harakiri: pattern")]
    [InlineData("""{ "Mounts": { "/a": {} } }""", "/Uwsgi/Mounts//a: required")]
    [InlineData("""{ "Mounts": { "/a": { "App": "x", "Harakri": 1 } } }""", "/Uwsgi/Mounts//a/Harakri: additionalProperties")]
    [InlineData("""{ "Limits": { "DrainTimeout": -1 } }""", "/Uwsgi/Limits/DrainTimeout: minimum")]
    public void Mistakes_AreShownByTheEditor(string section, string error) =>
        Assert.Equal([error], JsonSchema.FindErrors(Schema, JsonDocument.Parse($$"""{ "Uwsgi": {{section}} }""").RootElement));

    [Theory]
    [InlineData("""{ "Sockets": "a;b", "Modifiers": "0;5", "Stats": [ "127.0.0.1:9191" ] }""")]
    [InlineData("""{ "Harakiri": 1.5, "HarakiriGrace": 0, "MaxWorkerLifetime": "01:00:00", "Limits": { "DrainTimeout": "1.00:00:00.5" } }""")]
    [InlineData("""{ "Mounts": { "/a": "x", "b": { "App": "y", "Harakiri": "00:01" } }, "MimeTypes": "/etc/mime.types" }""")]
    [InlineData("""{ "Limits": { "MaxRequestBodySize": "", "MinResponseDataRate": { "BytesPerSecond": 1.5, "GracePeriod": "00:00:05" } } }""")]
    public void Forms_ThatCanBeRead_AreValid(string section)
    {
        Assert.Empty(JsonSchema.FindErrors(Schema, JsonDocument.Parse($$"""{ "Uwsgi": {{section}} }""").RootElement));
        Assert.Empty(BindJson(section).ConfigurationErrors);
    }

    private static string ExpectedType(PropertyInfo property) => property.PropertyType switch
    {
        _ when property.Name == nameof(UwsgiOptions.MimeTypes) => """["object","string"]""",
        var type when type == typeof(bool) || type == typeof(bool?) => "boolean",
        var type when type == typeof(string) => "string",
        var type when type == typeof(int) || type == typeof(int?) => "integer",
        var type when type == typeof(long?) => """["integer","string"]""",
        var type when type == typeof(TimeSpan) || type == typeof(TimeSpan?) => """["number","string"]""",
        var type when type == typeof(IList<string>) => """["array","string"]""",
        var type when type == typeof(IList<int>) => """["array","string","integer"]""",
        { IsEnum: true } => "enum",
        _ => "object",
    };

    private static IEnumerable<PropertyInfo> Settings(Type type) =>
        type.GetProperties().Where(property => !typeof(Delegate).IsAssignableFrom(property.PropertyType));

    private static IEnumerable<string> NamesIn(JsonElement schema)
    {
        Assert.False(schema.GetProperty("additionalProperties").GetBoolean());
        return schema.GetProperty("properties").EnumerateObject().Select(property => property.Name).Order();
    }

    private static JsonElement Find(string key) =>
        key.Split(':').Aggregate(Section, (schema, name) => schema.GetProperty("properties").GetProperty(name));

    private static PropertyInfo FindProperty(string key) =>
        (key.StartsWith("Limits:", StringComparison.Ordinal) ? typeof(UwsgiLimits) : typeof(UwsgiOptions)).GetProperty(key.Split(':')[^1])!;

    private static IEnumerable<string> Validate(string key, long value)
    {
        var options = Bind(key, value.ToString(CultureInfo.InvariantCulture));
        Assert.Empty(options.ConfigurationErrors);
        return [
            .. new UwsgiOptionsValidator().Validate(null, options).Failures ?? [],
            .. new AspNetCore.RequestLog.RequestLogOptionsValidator().Validate(null, options).Failures ?? [],
            .. new AspNetCore.Harakiri.HarakiriOptionsValidator().Validate(null, options).Failures ?? [],
        ];
    }

    // A whole file, or the examples of the section in a page.
    private static IEnumerable<string> ReadSettings(string file) => file.StartsWith("settings:", StringComparison.Ordinal)
        ? [ReadText(file)]
        : Regex.Matches(ReadText(file), "^```json\n(?<json>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
            .Select(match => match.Groups["json"].Value)
            .Where(block => block.Contains("\"Uwsgi\"", StringComparison.Ordinal));

    private static string ReadText(string name)
    {
        using var reader = new StreamReader(Resources.GetManifestResourceStream(name)!);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    private static UwsgiOptions Bind(string key, string value) => Bind(new ConfigurationBuilder().AddInMemoryCollection([new($"Uwsgi:{key}", value)]));

    private static UwsgiOptions BindJson(string section) =>
        Bind(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "Uwsgi": {{section}} }"""))));

    private static UwsgiOptions Bind(IConfigurationBuilder configuration)
    {
        var options = new UwsgiOptions();
        new UwsgiConfigurationBinder(configuration.Build()).Configure(options);
        return options;
    }
}
