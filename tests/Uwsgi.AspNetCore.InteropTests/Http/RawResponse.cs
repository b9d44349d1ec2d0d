using System.Text;

namespace Uwsgi.AspNetCore.InteropTests.Http;

/// <summary>How the end of a response body is known.</summary>
internal enum Framing
{
    /// <summary>The status or the method rules a body out.</summary>
    None,

    /// <summary>By Content-Length.</summary>
    Length,

    /// <summary>By the last chunk.</summary>
    Chunked,

    /// <summary>By the end of the connection.</summary>
    Close,
}

/// <summary>A response as it arrived.</summary>
/// <param name="Protocol">The protocol of the status line.</param>
/// <param name="Status">The status code.</param>
/// <param name="Reason">The reason phrase.</param>
/// <param name="Headers">The header fields in order.</param>
internal sealed record RawResponse(string Protocol, int Status, string Reason, IReadOnlyList<(string Name, string Value)> Headers)
{
    /// <summary>Gets what a connection that ends without a response stands for.</summary>
    public static RawResponse None { get; } = new(string.Empty, 0, string.Empty, []);

    public Framing Framing { get; init; }

    public byte[] Body { get; init; } = [];

    /// <summary>Gets a value indicating whether the body ended the way its framing says, not with a lost connection.</summary>
    public bool IsComplete { get; init; }

    public string Text => Encoding.UTF8.GetString(Body);

    /// <summary>Gets the values of one header, joined the way RFC 9110 allows.</summary>
    public string? this[string name]
    {
        get
        {
            var values = All(name);
            return values is [] ? null : string.Join(", ", values);
        }
    }

    /// <summary>Gets the cookies which the response sets, ready for a Cookie header.</summary>
    public string Cookies => string.Join("; ", All("Set-Cookie").Select(cookie => cookie.Split(';')[0]));

    public string[] All(string name) =>
        [.. Headers.Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value)];
}
