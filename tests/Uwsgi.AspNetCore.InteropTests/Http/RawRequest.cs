using System.Text;

namespace Uwsgi.AspNetCore.InteropTests.Http;

/// <summary>An HTTP/1.x request that is sent as it stands: nothing is escaped, added, merged or checked.</summary>
/// <param name="Method">The method.</param>
/// <param name="Target">The request target.</param>
internal sealed record RawRequest(string Method, string Target)
{
    public string Protocol { get; init; } = "HTTP/1.1";

    /// <summary>Gets the value of the Host header; <see langword="null"/> sends none.</summary>
    public string? Host { get; init; } = "parity.test";

    /// <summary>Gets the header fields in order. Their characters are bytes (Latin-1).</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Gets the body; a Content-Length is added unless it is sent in chunks.</summary>
    public byte[]? Body { get; init; }

    /// <summary>Gets the sizes of the chunks to send the body in, the last one repeated; empty for a body with Content-Length.</summary>
    public int[] ChunkSizes { get; init; } = [];

    /// <summary>Gets a value indicating whether the answer has no body whatever its header fields say.</summary>
    public bool IsHead => Method == "HEAD";

    public RawRequest With(string name, string value) => this with { Headers = [.. Headers, (name, value)] };

    public RawRequest WithBody(byte[] body, string? contentType = null) =>
        (contentType is null ? this : With("Content-Type", contentType)) with { Body = body };

    public RawRequest WithBody(string body, string? contentType = null) => WithBody(Encoding.UTF8.GetBytes(body), contentType);

    /// <summary>Writes the request line and the header fields, up to the empty line.</summary>
    public byte[] EncodeHead()
    {
        var head = new StringBuilder().Append($"{Method} {Target} {Protocol}\r\n");
        if (Host is not null)
        {
            head.Append($"Host: {Host}\r\n");
        }

        foreach (var (name, value) in Headers)
        {
            head.Append($"{name}: {value}\r\n");
        }

        if (ChunkSizes is not [])
        {
            head.Append("Transfer-Encoding: chunked\r\n");
        }
        else if (Body is not null)
        {
            head.Append($"Content-Length: {Body.Length}\r\n");
        }

        return Encoding.Latin1.GetBytes(head.Append("\r\n").ToString());
    }

    /// <summary>Writes the body as it goes over the wire.</summary>
    public byte[] EncodeBody() => ChunkSizes is [] ? Body ?? [] : ChunkedEncoding.Encode(Body ?? [], ChunkSizes);
}
