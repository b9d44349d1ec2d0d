using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// What one web server sent over one connection, recorded. Use <see cref="Uwsgi"/>, <see cref="FastCgi"/> or <see cref="Scgi"/>
/// as member data. The files are described in the README beside them.
/// </summary>
public sealed class Capture : IXunitSerializable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private static readonly Lazy<IReadOnlyDictionary<string, (Entry Entry, Source Source)>> Manifest = new(LoadManifest);
    private static readonly Lazy<IReadOnlyDictionary<string, ExpectedRequest>> Expectations = new(LoadExpectations);

    private byte[]? _bytes;
    private object? _content;

    /// <summary>For the test runner, which fills it in afterwards.</summary>
    public Capture()
        : this("")
    {
    }

    private Capture(string name) => Name = name;

    /// <summary>Gets every uwsgi capture, as member data.</summary>
    public static TheoryData<Capture> Uwsgi => [.. AllUwsgi];

    /// <summary>Gets every uwsgi capture.</summary>
    public static IEnumerable<Capture> AllUwsgi => All("uwsgi/");

    /// <summary>Gets every FastCGI capture, as member data.</summary>
    public static TheoryData<Capture> FastCgi => [.. AllFastCgi];

    /// <summary>Gets every FastCGI capture.</summary>
    public static IEnumerable<Capture> AllFastCgi => All("fastcgi/");

    /// <summary>Gets every SCGI capture, as member data.</summary>
    public static TheoryData<Capture> Scgi => [.. AllScgi];

    /// <summary>Gets every SCGI capture.</summary>
    public static IEnumerable<Capture> AllScgi => All("scgi/");

    /// <summary>Gets the protocol and the case, without the extension: <c>uwsgi/nginx-get</c>.</summary>
    public string Name { get; private set; }

    /// <summary>Gets the program that sent the bytes: <c>nginx</c>, <c>Apache httpd</c>.</summary>
    public string Client => Manifest.Value[Name].Source.Client;

    public string ClientVersion => Manifest.Value[Name].Source.Version;

    /// <summary>Gets how the program was configured, in its own words.</summary>
    public string Configuration => Manifest.Value[Name].Source.Configuration;

    /// <summary>Gets what an HTTP client had sent: one string per line, or one string with everything.</summary>
    public IReadOnlyList<string> HttpRequest => Manifest.Value[Name].Entry.HttpRequest;

    public IReadOnlyList<string> Notes => Manifest.Value[Name].Entry.Notes;

    /// <summary>Gets what the bytes of a uwsgi capture hold.</summary>
    public CapturedPacket Packet => Content<CapturedPacket>();

    /// <summary>Gets what the bytes of a FastCGI capture hold.</summary>
    public CapturedRecords Records => Content<CapturedRecords>();

    /// <summary>Gets what the bytes of an SCGI capture hold.</summary>
    public CapturedNetstring Netstring => Content<CapturedNetstring>();

    /// <summary>Gets what the bytes must become.</summary>
    public ExpectedRequest Expected => Expectations.Value[Name];

    /// <summary>Gets every byte of the connection.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes ??= ReadResource($"Captures/{Name}.bin");

    /// <summary>Gets the size of the uwsgi head: four bytes and the block of variables.</summary>
    public int HeadLength => 4 + Packet.DataSize;

    /// <summary>Gets the uwsgi head.</summary>
    public ReadOnlyMemory<byte> Head => Bytes[..HeadLength];

    /// <summary>Gets everything behind the uwsgi head.</summary>
    public ReadOnlyMemory<byte> Body => Bytes[HeadLength..];

    /// <summary>Gets one capture by its name: <c>uwsgi/nginx-get</c>.</summary>
    public static Capture Get(string name) =>
        Manifest.Value.ContainsKey(name) ? new Capture(name) : throw new KeyNotFoundException($"There is no capture '{name}'.");

    public override string ToString() => Name;

    public void Deserialize(IXunitSerializationInfo info) => Name = info.GetValue<string>(nameof(Name));

    public void Serialize(IXunitSerializationInfo info) => info.AddValue(nameof(Name), Name);

    private T Content<T>() => (T)(_content ??= Manifest.Value[Name].Entry.Expect.Deserialize<T>(Json)!);

    private static IEnumerable<Capture> All(string prefix) =>
        Manifest.Value.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => new Capture(name));

    private static Dictionary<string, (Entry Entry, Source Source)> LoadManifest()
    {
        string[] files = ["Captures/manifest.json", "Captures/fastcgi/manifest.json", "Captures/scgi/manifest.json"];
        return files
            .Select(name => JsonSerializer.Deserialize<ManifestFile>(ReadResource(name), Json)!)
            .SelectMany(file => file.Captures.Select(entry => (Entry: entry, Source: file.Sources[entry.Source])))
            .ToDictionary(capture => NameOf(capture.Entry.File));
    }

    private static Dictionary<string, ExpectedRequest> LoadExpectations()
    {
        var file = JsonSerializer.Deserialize<ExpectationsFile>(ReadResource("Captures/uwsgi-expectations.json"), Json)!;
        return file.Captures.ToDictionary(expected => NameOf(expected.File));
    }

    private static string NameOf(string file) => Path.ChangeExtension(file, null);

    private static byte[] ReadResource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new FileNotFoundException($"'{name}' is not embedded in the test assembly.");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private sealed record ManifestFile(IReadOnlyList<Source> Sources, IReadOnlyList<Entry> Captures);

    private sealed record ExpectationsFile(IReadOnlyList<ExpectedRequest> Captures);

    private sealed record Source(string Client, string Version, string Configuration);

    private sealed record Entry(
        string File,
        int Source,
        string Transport,
        string Case,
        int Bytes,
        string Sha256,
        IReadOnlyList<string> HttpRequest,
        IReadOnlyList<string> Notes,
        JsonElement Expect);
}

/// <summary>What the bytes of a uwsgi capture hold, as decoded when they were recorded.</summary>
public sealed record CapturedPacket(
    byte Modifier1,
    byte Modifier2,
    int DataSize,
    [property: JsonPropertyName("params")] IReadOnlyList<CapturedVariable> Variables,
    int BodyLength,
    string BodySha256,
    CapturedTail? BytesAfterUpgrade);

/// <summary>The part of a capture that belongs to the tunnel an upgrade opened.</summary>
public sealed record CapturedTail(int Length, string Latin1);

/// <summary>What the bytes of a FastCGI capture hold; nothing when they are malformed.</summary>
public sealed record CapturedRecords(
    IReadOnlyList<JsonElement>? Records, IReadOnlyList<CapturedRequest>? Requests, IReadOnlyList<JsonElement>? Management, bool Malformed);

/// <summary>One FastCGI request of a capture, in the order of BEGIN_REQUEST.</summary>
public sealed record CapturedRequest(
    ushort Id,
    ushort Role,
    byte Flags,
    bool ParamsEnded,
    bool StdinEnded,
    bool Aborted,
    [property: JsonPropertyName("params")] IReadOnlyList<CapturedVariable> Variables,
    int BodyLength,
    string BodySha256)
{
    /// <summary>Gets whether the web server keeps the connection.</summary>
    public bool KeepsConnection => (Flags & 1) != 0;
}

/// <summary>What the bytes of an SCGI capture hold.</summary>
public sealed record CapturedNetstring(
    int NetstringLength,
    [property: JsonPropertyName("params")] IReadOnlyList<CapturedVariable> Variables,
    int BodyLength,
    string BodySha256,
    CapturedTail? BytesAfterUpgrade);
