using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>What a capture must become with default options.</summary>
public sealed record ExpectedRequest
{
    public required string File { get; init; }

    public required ExpectedOutcome Outcome { get; init; }

    /// <summary>Gets the status of a refusal.</summary>
    public int Status { get; init; }

    /// <summary>Gets the rule that decides, where it is not obvious.</summary>
    public string? Why { get; init; }

    public string Method { get; init; } = "";

    public string PathBase { get; init; } = "";

    public string Path { get; init; } = "";

    /// <summary>Gets the query with its question mark, or nothing.</summary>
    public string Query { get; init; } = "";

    public string RawTarget { get; init; } = "";

    public string Scheme { get; init; } = "";

    public string Host { get; init; } = "";

    public string Protocol { get; init; } = "";

    /// <summary>Gets the client's address, or null when it is unknown.</summary>
    public string? RemoteIp { get; init; }

    public int RemotePort { get; init; }

    /// <summary>Gets the server's address, or null when the web server did not send it.</summary>
    public string? LocalIp { get; init; }

    public int? LocalPort { get; init; }

    public long? ContentLength { get; init; }

    public string? ContentType { get; init; }

    /// <summary>Gets a value indicating whether the application may upgrade the connection.</summary>
    public bool Upgradable { get; init; }

    /// <summary>Gets every header field but Host, Content-Length and Content-Type. Long values are hashed, as <see cref="Shorten"/> does.</summary>
    public IReadOnlyDictionary<string, string[]> Headers { get; init; } = new Dictionary<string, string[]>();

    /// <summary>Gives a header value in the form of <see cref="Headers"/>.</summary>
    public static string Shorten(string value) =>
        value.Length <= 1500 ? value : $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value)))}";
}

/// <summary>What a server does with a capture.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ExpectedOutcome>))]
public enum ExpectedOutcome
{
    /// <summary>Hands it to the application.</summary>
    Dispatch,

    /// <summary>Answers it with an error and closes.</summary>
    Refuse,

    /// <summary>Answers it without the application.</summary>
    Ping,
}
