using System.Buffers.Binary;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

/// <summary>Sorts the records of a FastCGI connection by request.</summary>
internal sealed class FastCgiAnswers
{
    private const int HeaderLength = 8;

    private readonly Dictionary<ushort, MemoryStream> _open = [];
    private readonly Dictionary<ushort, byte[]> _ended = [];
    private readonly HashSet<ushort> _refused = [];
    private readonly List<byte> _partial = [];

    /// <summary>Gets whether anything has come.</summary>
    public bool HasBytes { get; private set; }

    /// <summary>Gets whether the server has cut a response off by a record that breaks the protocol.</summary>
    public bool IsBrokenOff { get; private set; }

    /// <summary>Gets whether what has come ends with a whole record.</summary>
    public bool IsBetweenRecords => _partial.Count == 0;

    public int Ended => _ended.Count;

    public void Expect(ushort id) => _open.Add(id, new MemoryStream());

    public bool HasEnded(ushort id) => _ended.ContainsKey(id);

    /// <summary>Gets whether the server has not taken a request, as one does that is stopping.</summary>
    public bool IsRefused(ushort id) => _refused.Contains(id);

    /// <summary>Gets what has come of one request's answer.</summary>
    public byte[] this[ushort id] => _ended.TryGetValue(id, out var bytes) ? bytes : _open[id].ToArray();

    /// <exception cref="FormatException">The bytes break the protocol.</exception>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        HasBytes |= !bytes.IsEmpty;
        if (_partial.Count > 0)
        {
            _partial.AddRange(bytes);
            bytes = _partial.ToArray();
            _partial.Clear();
        }

        while (!IsBrokenOff && TryRead(ref bytes))
        {
        }

        _partial.AddRange(bytes);
    }

    private bool TryRead(ref ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderLength)
        {
            return false;
        }

        if (bytes[..HeaderLength].IndexOfAnyExcept((byte)0) < 0)
        {
            IsBrokenOff = true;
            bytes = default;
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (bytes.Length < HeaderLength + length + bytes[6])
        {
            return false;
        }

        if (bytes[0] != 1)
        {
            throw new FormatException($"a record of version {bytes[0]}");
        }

        Take(bytes[1], BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), bytes.Slice(HeaderLength, length));
        bytes = bytes[(HeaderLength + length + bytes[6])..];
        return true;
    }

    private void Take(byte type, ushort id, ReadOnlySpan<byte> content)
    {
        if (!_open.TryGetValue(id, out var answer))
        {
            throw new FormatException($"a record of type {type} for request {id}, which is not open");
        }

        switch (type)
        {
            case FastCgiBytes.StdoutType:
                answer.Write(content);
                break;
            case FastCgiBytes.StderrType:
                break;
            case FastCgiBytes.EndType when content.Length == HeaderLength && content[4] == FastCgiBytes.Complete:
                _open.Remove(id);
                _ended.Add(id, answer.ToArray());
                break;
            case FastCgiBytes.EndType when content.Length == HeaderLength && content[4] == FastCgiBytes.Overloaded && answer.Length == 0:
                _open.Remove(id);
                _ended.Add(id, []);
                _refused.Add(id);
                break;
            default:
                throw new FormatException($"a record of type {type} with {Convert.ToHexString(content)}");
        }
    }
}
