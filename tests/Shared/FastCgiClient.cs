using System.Buffers.Binary;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>The web server's end of a FastCGI connection: sends bytes and sorts the records that come back by request.</summary>
public sealed class FastCgiClient(InMemoryConnection connection)
{
    private readonly Dictionary<ushort, FastCgiAnswer> _open = [];
    private readonly Dictionary<ushort, Queue<FastCgiAnswer>> _finished = [];

    public InMemoryConnection Connection => connection;

    public Task SendAsync(params byte[][] records) => connection.Client.SendAsync(records.SelectMany(record => record).ToArray());

    /// <summary>Gets whether the server has cut off a response by a record that breaks the protocol.</summary>
    public bool IsBrokenOff { get; private set; }

    /// <summary>Reads one record.</summary>
    /// <exception cref="ConnectionResetException">The server has cut the connection off, or the response on it.</exception>
    public async Task<FastCgiAnswerRecord> ReadRecordAsync()
    {
        var header = await connection.Client.ReadExactlyAsync(8);
        if (header.All(part => part == 0))
        {
            IsBrokenOff = true;
            Assert.Empty(await connection.Client.ReadToEndAsync());
            throw new ConnectionResetException("The server has sent a broken record.");
        }

        Assert.Equal(1, header[0]);
        var length = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(4)) + header[6];
        var content = length == 0 ? [] : await connection.Client.ReadExactlyAsync(length);
        return new FastCgiAnswerRecord(header[1], BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(2)), content[..^header[6]]);
    }

    /// <summary>Reads until a request has its END_REQUEST; what comes for others meanwhile is kept for them.</summary>
    public async Task<FastCgiAnswer> ReadAnswerAsync(ushort id)
    {
        while (true)
        {
            if (_finished.TryGetValue(id, out var answers) && answers.TryDequeue(out var answer))
                return answer;

            Add(await ReadRecordAsync());
        }
    }

    /// <summary>Reads to the end of the connection and gets every answer that was completed, in the order of completion.</summary>
    public async Task<IReadOnlyList<FastCgiAnswer>> ReadToEndAsync()
    {
        var order = new List<FastCgiAnswer>();
        foreach (var record in FastCgiAnswerRecord.ParseAll(await connection.Client.ReadToEndAsync()))
        {
            if (Add(record) is { } finished)
                order.Add(finished);
        }

        return order;
    }

    /// <summary>Reads the server's orderly end of the connection.</summary>
    public async Task AssertClosedAsync()
    {
        Assert.Empty(await connection.Client.ReadToEndAsync());
        await connection.Disposed.WithTimeoutAsync();
    }

    private FastCgiAnswer? Add(FastCgiAnswerRecord record)
    {
        if (record.Id == 0)
            return null;

        if (!_open.TryGetValue(record.Id, out var answer))
            _open.Add(record.Id, answer = new FastCgiAnswer(record.Id));
        if (!answer.Add(record))
            return null;

        _open.Remove(record.Id);
        if (!_finished.TryGetValue(record.Id, out var answers))
            _finished.Add(record.Id, answers = new Queue<FastCgiAnswer>());
        answers.Enqueue(answer);
        return answer;
    }
}

/// <summary>A record that the server sent.</summary>
public sealed record FastCgiAnswerRecord(byte Type, ushort Id, byte[] Content)
{
    /// <summary>Splits bytes into records; fails when they do not end with one.</summary>
    public static IReadOnlyList<FastCgiAnswerRecord> ParseAll(byte[] bytes)
    {
        var records = new List<FastCgiAnswerRecord>();
        for (var at = 0; at < bytes.Length;)
        {
            Assert.Equal(1, bytes[at]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 4));
            records.Add(new(bytes[at + 1], BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 2)), bytes[(at + 8)..(at + 8 + length)]));
            at += 8 + length + bytes[at + 6];
        }

        return records;
    }
}

/// <summary>What came back for one request.</summary>
public sealed class FastCgiAnswer(ushort id)
{
    private readonly List<byte> _stdout = [];
    private readonly List<byte> _stderr = [];
    private bool _isStdoutEnded;

    public ushort Id => id;

    /// <summary>Gets what END_REQUEST says: 0 complete, 1 no multiplexing, 2 overloaded, 3 unknown role.</summary>
    public byte ProtocolStatus { get; private set; }

    public uint ApplicationStatus { get; private set; }

    public byte[] Stdout => [.. _stdout];

    public string Stderr => Encoding.UTF8.GetString([.. _stderr]);

    public RawResponse Response => RawResponse.Parse(Stdout);

    /// <summary>Gets every answer that bytes complete, in the order of completion.</summary>
    public static IReadOnlyList<FastCgiAnswer> Complete(byte[] bytes)
    {
        var open = new Dictionary<ushort, FastCgiAnswer>();
        var complete = new List<FastCgiAnswer>();
        foreach (var record in FastCgiAnswerRecord.ParseAll(bytes).Where(record => record.Id != 0))
        {
            if (!open.TryGetValue(record.Id, out var answer))
                open.Add(record.Id, answer = new FastCgiAnswer(record.Id));
            if (answer.Add(record))
            {
                open.Remove(record.Id);
                complete.Add(answer);
            }
        }

        return complete;
    }

    /// <summary>Adds a record; true when it was the last.</summary>
    internal bool Add(FastCgiAnswerRecord record)
    {
        switch (record.Type)
        {
            case FastCgiBytes.StdoutType:
                Assert.False(_isStdoutEnded, "STDOUT goes on behind its end.");
                _stdout.AddRange(record.Content);
                _isStdoutEnded = record.Content.Length == 0;
                return false;
            case FastCgiBytes.StderrType:
                _stderr.AddRange(record.Content);
                return false;
            default:
                Assert.Equal(FastCgiBytes.EndType, record.Type);
                Assert.Equal(8, record.Content.Length);
                ApplicationStatus = BinaryPrimitives.ReadUInt32BigEndian(record.Content);
                ProtocolStatus = record.Content[4];
                return true;
        }
    }
}
