using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>The web server's end of an <see cref="InMemoryConnection"/>.</summary>
public sealed class InMemoryClient
{
    private readonly Lock _lock = new();
    private readonly InMemoryConnection _connection;
    private readonly PipeWriter _toServer;
    private readonly PipeReader _fromServer;
    private Exception? _failure;
    private Exception? _sendError;
    private bool _sending;
    private bool _sendEnded;
    private bool _reading;
    private bool _readEnded;

    internal InMemoryClient(InMemoryConnection connection, PipeWriter toServer, PipeReader fromServer)
    {
        _connection = connection;
        _toServer = toServer;
        _fromServer = fromServer;
    }

    /// <summary>Sends bytes. Waits while the server leaves too many unread; bytes for a server that has gone are dropped.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (_sendEnded)
                return;

            _sending = true;
        }

        try
        {
            await _toServer.WriteAsync(bytes, cancellationToken).WithTimeoutAsync();
        }
        finally
        {
            lock (_lock)
            {
                _sending = false;
                if (_sendEnded)
                    _toServer.Complete(_sendError);
            }
        }
    }

    /// <summary>Sends text, one byte per character.</summary>
    public Task SendAsync(string latin1) => SendAsync(Encoding.Latin1.GetBytes(latin1));

    /// <summary>Sends bytes so that the server may see each of them alone.</summary>
    public async Task SendByteByByteAsync(ReadOnlyMemory<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
            await SendAsync(bytes.Slice(i, 1));
    }

    /// <summary>Ends the sending direction in order (a FIN); the answer can still be read.</summary>
    public void CompleteSending()
    {
        if (EndSending(null))
            _connection.FireClosed();
    }

    /// <summary>Ends both directions in order, as a web server does whose client has gone: nothing more is sent or read.</summary>
    public void Close()
    {
        // In this order: the server may write as soon as it learns of the end, and nobody takes that any more.
        EndReading(new InvalidOperationException("The client has closed the connection."));
        CompleteSending();
    }

    /// <summary>Resets the connection (an RST): the server's reads fail, its writes are dropped.</summary>
    public void Reset()
    {
        EndReading(new InvalidOperationException("The client has reset the connection."));
        EndSending(new ConnectionResetException("The connection was reset by the peer."));
        _connection.FireClosed();
    }

    /// <summary>Reads everything up to the server's end of the connection.</summary>
    /// <exception cref="ConnectionResetException">The server aborted the connection.</exception>
    public async Task<byte[]> ReadToEndAsync()
    {
        var received = new ArrayBufferWriter<byte>();
        while (await ReadSomeAsync() is { Length: > 0 } some)
            received.Write(some);
        return received.WrittenSpan.ToArray();
    }

    /// <summary>Reads the whole answer and parses its head.</summary>
    /// <exception cref="ConnectionResetException">The server aborted the connection.</exception>
    public async Task<RawResponse> ReadResponseAsync() => RawResponse.Parse(await ReadToEndAsync());

    /// <summary>Reads exactly so many bytes; whatever came with them stays for the next read.</summary>
    public Task<byte[]> ReadExactlyAsync(int count) =>
        ReadUntilAsync(buffer => buffer.Length >= count ? count : -1, $"{count} bytes");

    /// <summary>Reads up to and including a text, for instance the blank line that ends a head.</summary>
    public Task<byte[]> ReadThroughAsync(string latin1)
    {
        var delimiter = Encoding.Latin1.GetBytes(latin1);
        return ReadUntilAsync(
            buffer =>
            {
                var at = buffer.ToArray().AsSpan().IndexOf(delimiter);
                return at < 0 ? -1 : at + delimiter.Length;
            },
            $"'{latin1}'");
    }

    /// <summary>Reads and parses the head of the answer; the body stays for the next read.</summary>
    public async Task<RawResponse> ReadHeadAsync() => RawResponse.Parse(await ReadThroughAsync("\r\n\r\n"));

    /// <summary>Reads whatever is there, waiting for at least one byte; empty means the server has ended the connection.</summary>
    /// <exception cref="ConnectionResetException">The server aborted the connection.</exception>
    public async Task<byte[]> ReadSomeAsync()
    {
        if (await BeginReadAsync() is not { } result)
            return [];

        var bytes = result.Buffer.ToArray();
        EndRead(result.Buffer.End, result.Buffer.End, isAll: result.IsCompleted);
        ThrowIfFailed();
        return bytes;
    }

    /// <summary>Ends the sending direction, unless it has ended. A send in progress ends it when it is done.</summary>
    internal bool EndSending(Exception? error)
    {
        lock (_lock)
        {
            if (_sendEnded)
                return false;

            _sendEnded = true;
            _sendError = error;
            if (!_sending)
                _toServer.Complete(error);
            else
                _toServer.CancelPendingFlush();
            return true;
        }
    }

    /// <summary>Ends the reading direction, so that the server's writes report it. A read in progress ends it when it is done.</summary>
    internal void EndReading(Exception failure)
    {
        lock (_lock)
        {
            if (_failure is not null)
                return;

            _failure = failure;
            if (_reading)
                _fromServer.CancelPendingRead();
            else
                _fromServer.Complete();
        }
    }

    private async Task<byte[]> ReadUntilAsync(Func<ReadOnlySequence<byte>, long> findEnd, string what)
    {
        while (true)
        {
            var text = "";
            if (await BeginReadAsync() is { } result)
            {
                var buffer = result.Buffer;
                var end = findEnd(buffer);
                if (end >= 0)
                {
                    var taken = buffer.Slice(0, end);
                    var bytes = taken.ToArray();
                    EndRead(taken.End, taken.End, isAll: result.IsCompleted && end == buffer.Length);
                    ThrowIfFailed();
                    return bytes;
                }

                text = result.IsCompleted ? Encoding.Latin1.GetString(buffer.ToArray()) : null;
                EndRead(buffer.Start, buffer.End, isAll: false);
                ThrowIfFailed();
            }

            if (text is not null)
                throw new EndOfStreamException($"The server ended the connection before {what} arrived. Received: '{text}'");
        }
    }

    private async Task<ReadResult?> BeginReadAsync()
    {
        lock (_lock)
        {
            ThrowIfFailed();
            if (_readEnded)
                return null;

            _reading = true;
        }

        return await _fromServer.ReadAsync().WithTimeoutAsync();
    }

    private void EndRead(SequencePosition consumed, SequencePosition examined, bool isAll)
    {
        lock (_lock)
        {
            _fromServer.AdvanceTo(consumed, examined);
            _reading = false;
            _readEnded = isAll;
            if (isAll || _failure is not null)
                _fromServer.Complete();
        }
    }

    private void ThrowIfFailed()
    {
        if (Volatile.Read(ref _failure) is not { } failure)
            return;

        throw failure is ConnectionResetException ? new ConnectionResetException(failure.Message, failure) : failure;
    }
}
