using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Uwsgi.AspNetCore.Harakiri;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The sending side of a FastCGI connection, which its requests and its read loop share.</summary>
/// <remarks>
/// Who writes has the turn, from <see cref="WaitAsync"/> to <see cref="Release"/>, and writes whole records; the turn passes on in the
/// order of asking. Whoever gets it asks <see cref="IsClosed"/> first: nothing can be written behind the end.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore has no wait handle to release, and late writers may still ask for their turn.")]
internal sealed class FastCgiOutput(PipeWriter writer, ConnectionTimeouts timeouts)
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    public PipeWriter Writer => writer;

    /// <summary>Gets whether the sending side has been closed; for who has the turn.</summary>
    public bool IsClosed { get; private set; }

    public Task WaitAsync(CancellationToken cancellationToken = default) => _turn.WaitAsync(cancellationToken);

    public void Release() => _turn.Release();

    /// <summary>Sends what was written; for who has the turn.</summary>
    /// <param name="rate">How slowly the web server may take it before the connection is aborted; null for as slowly as it likes.</param>
    /// <param name="bytes">How much it has to take.</param>
    public ValueTask<FlushResult> FlushAsync(MinDataRate? rate, long bytes)
    {
        var flush = writer.FlushAsync();
        return rate is null || flush.IsCompletedSuccessfully ? flush : FlushInTimeAsync(flush, rate, bytes);
    }

    /// <summary>Writes a last record and closes the sending side. False while another has the turn, whose flush may have to be cut off.</summary>
    /// <param name="last">The record.</param>
    /// <param name="socket">The socket, to send past the pipe, which must be empty; false is then also for a peer that does not take it.</param>
    public bool TryClose(ReadOnlySpan<byte> last, Socket? socket = null)
    {
        if (!_turn.Wait(0))
        {
            return false;
        }

        try
        {
            if (!IsClosed)
            {
                IsClosed = true;
                if (socket is not null)
                {
                    return DirectSocket.TrySend(socket, last);
                }

                writer.Write(last);
                writer.Complete();
            }

            return true;
        }
        finally
        {
            Release();
        }
    }

    private async ValueTask<FlushResult> FlushInTimeAsync(ValueTask<FlushResult> flush, MinDataRate rate, long bytes)
    {
        timeouts.StartWrite(rate, bytes);
        try
        {
            return await flush;
        }
        finally
        {
            timeouts.StopWrite();
        }
    }
}
