using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Uwsgi.AspNetCore.Protocols;

/// <summary>
/// What every decoder produces: one copy of the variable block and an index over it. Values stay bytes until something asks.
/// </summary>
/// <remarks>
/// Of repeated variables the last one counts, as in uWSGI, so that a parameter written behind an included file overrides it.
/// Client headers (<c>HTTP_*</c>) are a namespace of their own and never reach the slots of the known variables.
/// </remarks>
internal sealed class GatewayVariables
{
    // A block larger than this is not kept for the next request.
    private const int MaxRetainedBytes = 64 * 1024;
    private const int MaxRetainedEntries = 512;

    private byte[] _block = new byte[2048];
    private int _length;
    private Entry[] _entries = new Entry[32];
    private int _count;
    private readonly int[] _known = new int[(int)KnownVariable.Count];

    /// <summary>Gets the number of variables, duplicates included.</summary>
    public int Count => _count;

    /// <summary>Gets the bytes of the block, for the decoder to index.</summary>
    public ReadOnlySpan<byte> Block => _block.AsSpan(0, _length);

    /// <summary>Gets whether CONTENT_LENGTH came more than once with different values.</summary>
    public bool HasConflictingContentLength { get; private set; }

    /// <summary>Gets how many bytes the block has so far.</summary>
    public int Length => _length;

    /// <summary>Copies the block so that the transport's buffer can be released at once.</summary>
    public void Load(in ReadOnlySequence<byte> block)
    {
        Reset();
        Append(block);
    }

    /// <summary>Copies a further part of a block that arrives in pieces; the caller keeps it within its limit.</summary>
    public void Append(in ReadOnlySequence<byte> part)
    {
        var length = checked(_length + (int)part.Length);
        if (_block.Length < length)
        {
            Array.Resize(ref _block, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length));
        }

        part.CopyTo(_block.AsSpan(_length));
        _length = length;
    }

    /// <summary>Adds one pair by its place in the block.</summary>
    public void Add(int nameStart, int nameLength, int valueStart, int valueLength)
    {
        if (_count == _entries.Length)
        {
            Array.Resize(ref _entries, _count * 2);
        }

        var name = _block.AsSpan(nameStart, nameLength);
        _entries[_count++] = new Entry(nameStart, nameLength, valueStart, valueLength);
        if (!IsHeaderName(name) && TryGetKnown(name, out var known))
        {
            ref var slot = ref _known[(int)known];
            if (known == KnownVariable.ContentLength && slot != 0 && !Value(slot - 1).SequenceEqual(Value(_count - 1)))
            {
                HasConflictingContentLength = true;
            }

            slot = _count;
        }
    }

    public ReadOnlySpan<byte> Name(int index) => _block.AsSpan(_entries[index].NameStart, _entries[index].NameLength);

    public ReadOnlySpan<byte> Value(int index) => _block.AsSpan(_entries[index].ValueStart, _entries[index].ValueLength);

    /// <summary>Gets a known variable's bytes; empty when it is absent or empty.</summary>
    public ReadOnlySpan<byte> this[KnownVariable known] => _known[(int)known] is var slot and not 0 ? Value(slot - 1) : default;

    public bool Contains(KnownVariable known) => _known[(int)known] != 0;

    /// <summary>Gets a known variable as a string, or <see langword="null"/> when it is absent or empty.</summary>
    public string? GetString(KnownVariable known) => this[known] is { IsEmpty: false } value ? GetString(value) : null;

    /// <summary>Finds a variable by its name on the wire, and failing that in any case.</summary>
    public bool TryGetValue(string name, out ReadOnlySpan<byte> value)
    {
        if (!TryFind(name, ignoreCase: false, out var index) && !TryFind(name, ignoreCase: true, out index))
        {
            value = default;
            return false;
        }

        value = Value(index);
        return true;
    }

    /// <summary>Reads bytes as UTF-8 where they are UTF-8, else as Latin-1, so that nothing is lost.</summary>
    public static string GetString(ReadOnlySpan<byte> bytes) =>
        System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Encoding.Latin1.GetString(bytes);

    /// <summary>Tells whether a variable carries a client's header.</summary>
    public static bool IsHeaderName(ReadOnlySpan<byte> name) => name.Length > 5 && name.StartsWith("HTTP_"u8);

    public void Reset()
    {
        if (_block.Length > MaxRetainedBytes)
        {
            _block = new byte[2048];
        }

        if (_entries.Length > MaxRetainedEntries)
        {
            _entries = new Entry[32];
        }

        _length = 0;
        _count = 0;
        Array.Clear(_known);
        HasConflictingContentLength = false;
    }

    private bool TryFind(string name, bool ignoreCase, out int index)
    {
        for (index = _count - 1; index >= 0; index--)
        {
            var candidate = Name(index);
            if (candidate.Length == name.Length
                && (ignoreCase ? Ascii.EqualsIgnoreCase(candidate, name) : Ascii.Equals(candidate, name)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool TryGetKnown(ReadOnlySpan<byte> name, out KnownVariable known)
    {
        KnownVariable? found = name.Length switch
        {
            5 when name.SequenceEqual("HTTPS"u8) => KnownVariable.Https,
            9 when name.SequenceEqual("PATH_INFO"u8) => KnownVariable.PathInfo,
            9 when name.SequenceEqual("AUTH_TYPE"u8) => KnownVariable.AuthType,
            11 when name.SequenceEqual("SCRIPT_NAME"u8) => KnownVariable.ScriptName,
            11 when name.SequenceEqual("REQUEST_URI"u8) => KnownVariable.RequestUri,
            11 when name.SequenceEqual("REMOTE_ADDR"u8) => KnownVariable.RemoteAddr,
            11 when name.SequenceEqual("REMOTE_PORT"u8) => KnownVariable.RemotePort,
            11 when name.SequenceEqual("REMOTE_USER"u8) => KnownVariable.RemoteUser,
            11 when name.SequenceEqual("SERVER_NAME"u8) => KnownVariable.ServerName,
            11 when name.SequenceEqual("SERVER_PORT"u8) => KnownVariable.ServerPort,
            11 when name.SequenceEqual("SERVER_ADDR"u8) => KnownVariable.ServerAddr,
            12 when name.SequenceEqual("QUERY_STRING"u8) => KnownVariable.QueryString,
            12 when name.SequenceEqual("CONTENT_TYPE"u8) => KnownVariable.ContentType,
            12 when name.SequenceEqual("DOCUMENT_URI"u8) => KnownVariable.DocumentUri,
            12 when name.SequenceEqual("UWSGI_SCHEME"u8) => KnownVariable.UwsgiScheme,
            12 when name.SequenceEqual("UWSGI_ROUTER"u8) => KnownVariable.UwsgiRouter,
            14 when name.SequenceEqual("REQUEST_METHOD"u8) => KnownVariable.RequestMethod,
            14 when name.SequenceEqual("CONTENT_LENGTH"u8) => KnownVariable.ContentLength,
            14 when name.SequenceEqual("REQUEST_SCHEME"u8) => KnownVariable.RequestScheme,
            15 when name.SequenceEqual("SERVER_PROTOCOL"u8) => KnownVariable.ServerProtocol,
            15 when name.SequenceEqual("SSL_CLIENT_CERT"u8) => KnownVariable.SslClientCert,
            17 when name.SequenceEqual("SSL_CLIENT_VERIFY"u8) => KnownVariable.SslClientVerify,
            _ => null,
        };
        known = found.GetValueOrDefault();
        return found.HasValue;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(int NameStart, int NameLength, int ValueStart, int ValueLength);
}
