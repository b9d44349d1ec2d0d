using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>
/// Builds uwsgi packets, well-formed ones from variables and malformed ones from raw parts. Text is Latin-1: one byte per
/// character; use the byte overloads for anything else.
/// </summary>
public sealed class UwsgiPacket
{
    private readonly List<KeyValuePair<byte[], byte[]>> _variables = [];

    public byte Modifier1 { get; set; }

    public byte Modifier2 { get; set; }

    /// <summary>Gets or sets what follows the block of variables.</summary>
    public ReadOnlyMemory<byte> Body { get; set; }

    /// <summary>Gets the variables in the order of the wire, duplicates included.</summary>
    public IEnumerable<KeyValuePair<string, string>> Variables => _variables.Select(
        variable => KeyValuePair.Create(Encoding.Latin1.GetString(variable.Key), Encoding.Latin1.GetString(variable.Value)));

    /// <summary>Adds a variable, also when one of that name is there.</summary>
    public UwsgiPacket Add(string name, string value) => Add(Encoding.Latin1.GetBytes(name), Encoding.Latin1.GetBytes(value));

    /// <inheritdoc cref="Add(string, string)"/>
    public UwsgiPacket Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        _variables.Add(new(name.ToArray(), value.ToArray()));
        return this;
    }

    /// <summary>Replaces every variable of that name by one, in the place of the first.</summary>
    public UwsgiPacket Set(string name, string value)
    {
        var key = Encoding.Latin1.GetBytes(name);
        var at = _variables.FindIndex(variable => variable.Key.AsSpan().SequenceEqual(key));
        Remove(name);
        _variables.Insert(at < 0 ? _variables.Count : at, new(key, Encoding.Latin1.GetBytes(value)));
        return this;
    }

    /// <summary>Removes every variable of that name.</summary>
    public UwsgiPacket Remove(string name)
    {
        var key = Encoding.Latin1.GetBytes(name);
        _variables.RemoveAll(variable => variable.Key.AsSpan().SequenceEqual(key));
        return this;
    }

    /// <summary>Sets the body and CONTENT_LENGTH.</summary>
    public UwsgiPacket WithBody(ReadOnlyMemory<byte> body, string? contentType = null)
    {
        Body = body;
        Set("CONTENT_LENGTH", body.Length.ToString(CultureInfo.InvariantCulture));
        return contentType is null ? this : Set("CONTENT_TYPE", contentType);
    }

    /// <inheritdoc cref="WithBody(ReadOnlyMemory{byte}, string?)"/>
    public UwsgiPacket WithBody(string utf8, string? contentType = null) => WithBody(Encoding.UTF8.GetBytes(utf8), contentType);

    /// <summary>Gets the block of variables alone.</summary>
    public byte[] ToBlock()
    {
        var block = new byte[_variables.Sum(variable => 4 + variable.Key.Length + variable.Value.Length)];
        var rest = block.AsSpan();
        foreach (var (key, value) in _variables)
        {
            rest = Append(rest, key);
            rest = Append(rest, value);
        }

        return block;
    }

    /// <summary>Gets the head: four bytes and the block of variables.</summary>
    /// <exception cref="OverflowException">The block is larger than the format allows.</exception>
    public byte[] ToHead()
    {
        var block = ToBlock();
        return Raw(Modifier1, checked((ushort)block.Length), Modifier2, block);
    }

    /// <summary>Gets the head and the body.</summary>
    public byte[] ToArray() => [.. ToHead(), .. Body.Span];

    /// <summary>The four bytes <c>uwsgi --ping</c> sends.</summary>
    public static byte[] Ping() => Raw(100, 0, 0, []);

    /// <summary>What an HTTP client sends to a uwsgi socket: read as a packet, a modifier 71 with a block of 21573 bytes.</summary>
    public static byte[] HttpRequest() => "GET / HTTP/1.1\r\nHost: example.test\r\n\r\n"u8.ToArray();

    /// <summary>A packet from parts that need not agree.</summary>
    public static byte[] Raw(byte modifier1, ushort dataSize, byte modifier2, ReadOnlySpan<byte> block)
    {
        var bytes = new byte[4 + block.Length];
        bytes[0] = modifier1;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(1), dataSize);
        bytes[3] = modifier2;
        block.CopyTo(bytes.AsSpan(4));
        return bytes;
    }

    /// <summary>The smallest request a server can answer: three variables.</summary>
    public static UwsgiPacket Minimal(string method = "GET", string path = "/") => new UwsgiPacket()
        .Add("REQUEST_METHOD", method)
        .Add("PATH_INFO", path)
        .Add("SERVER_PROTOCOL", "HTTP/1.1");

    /// <summary>
    /// The variables nginx sends with the params file it ships, for a request of <paramref name="target"/>: the path goes
    /// percent-decoded into PATH_INFO, as <c>$document_uri</c> does.
    /// </summary>
    public static UwsgiPacket Nginx(string method = "GET", string target = "/", string host = "example.test", bool https = false)
    {
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        var path = mark < 0 ? target : target[..mark];
        var packet = new UwsgiPacket()
            .Add("QUERY_STRING", mark < 0 ? "" : target[(mark + 1)..])
            .Add("REQUEST_METHOD", method)
            .Add("CONTENT_TYPE", "")
            .Add("CONTENT_LENGTH", "")
            .Add("REQUEST_URI", target)
            .Add("PATH_INFO"u8, PercentDecode(path))
            .Add("DOCUMENT_ROOT", "/srv/www")
            .Add("SERVER_PROTOCOL", "HTTP/1.1")
            .Add("REQUEST_SCHEME", https ? "https" : "http");
        if (https)
            packet.Add("HTTPS", "on");
        return packet
            .Add("REMOTE_ADDR", "192.0.2.7")
            .Add("REMOTE_PORT", "51234")
            .Add("SERVER_PORT", https ? "443" : "80")
            .Add("SERVER_NAME", "example.test")
            .Add("HTTP_HOST", host);
    }

    /// <summary>Malformed packets, each with the reason why no server may take it for a request.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> Malformed()
    {
        var block = Minimal().ToBlock();

        yield return ("one stray byte after the last variable", Raw(0, (ushort)(block.Length + 1), 0, [.. block, 0]));
        yield return ("two stray bytes after the last variable", Raw(0, (ushort)(block.Length + 2), 0, [.. block, 9, 0]));
        yield return ("a key without a value after the last variable", Raw(0, (ushort)(block.Length + 3), 0, [.. block, 1, 0, 65]));
        yield return ("a size one byte short of the block", Raw(0, (ushort)(block.Length - 1), 0, block));
        yield return ("a key that runs past the block", Raw(0, 6, 0, [0xFF, 0xFF, 65, 66, 67, 68]));
        yield return ("a key that runs one byte past the block", Raw(0, 4, 0, [3, 0, 65, 66]));
        yield return ("a value that runs past the block", Raw(0, 7, 0, [1, 0, 65, 0xFF, 0xFF, 66, 67]));
        yield return ("a value that runs one byte past the block", Raw(0, 7, 0, [1, 0, 65, 3, 0, 66, 67]));
        yield return ("a value length cut in half", Raw(0, 4, 0, [1, 0, 65, 0]));
        yield return ("an empty key", Raw(0, (ushort)(block.Length + 5), 0, [.. block, 0, 0, 1, 0, 65]));
        yield return ("one byte", Raw(0, 1, 0, [7]));
    }

    private static Span<byte> Append(Span<byte> rest, byte[] part)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(rest, checked((ushort)part.Length));
        part.CopyTo(rest[2..]);
        return rest[(2 + part.Length)..];
    }

    private static byte[] PercentDecode(string path)
    {
        var bytes = new List<byte>(path.Length);
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == '%' && i + 2 < path.Length && char.IsAsciiHexDigit(path[i + 1]) && char.IsAsciiHexDigit(path[i + 2]))
            {
                bytes.Add(byte.Parse(path.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 2;
            }
            else
            {
                bytes.Add((byte)path[i]);
            }
        }

        return [.. bytes];
    }
}
