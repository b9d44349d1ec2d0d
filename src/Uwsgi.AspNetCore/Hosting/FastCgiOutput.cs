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
    private readonly Lock _lock = new();
    private SemaphoreSlim? _next;
    private int _users;

    public PipeWriter Writer => writer;

    /// <summary>Gets whether the sending side has been closed; for who has the turn.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Gets the turn, or waits for it.</summary>
    public Task WaitAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        if (Interlocked.Increment(ref _users) == 1)
        {
            return Task.CompletedTask;
        }

        var turn = GetNext().WaitAsync(CancellationToken.None);
        return cancellationToken.CanBeCanceled && !turn.IsCompleted ? WaitCancellablyAsync(turn, cancellationToken) : turn;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0)
        {
            GetNext().Release();
        }
    }

    /// <summary>Waits for everybody's turn, and lets nobody write any more.</summary>
    public async ValueTask SealAsync()
    {
        await WaitAsync();
        IsClosed = true;
        Release();
    }

    /// <summary>Sends what was written; for who has the turn.</summary>
    /// <param name="rate">How slowly the web server may take it before the connection is aborted; null for as slowly as it likes.</param>
    /// <param name="bytes">How much it has to take.</param>
    public ValueTask<FlushResult> FlushAsync(MinDataRate? rate, long bytes)
    {
        var flush = writer.FlushAsync();
        return rate is null || flush.IsCompletedSuccessfully ? flush : FlushInTimeAsync(flush, rate, bytes);
    }

    /// <summary>Closes the sending side behind what was flushed; for who has the turn.</summary>
    public void Close()
    {
        IsClosed = true;
        writer.Complete();
    }

    /// <summary>Writes a last record and closes the sending side. False while another has the turn, whose flush may have to be cut off.</summary>
    /// <param name="last">The record.</param>
    /// <param name="socket">The socket, to send past the pipe, which must be empty; false is then also for a peer that does not take it.</param>
    public bool TryClose(ReadOnlySpan<byte> last, Socket? socket = null)
    {
        if (Interlocked.CompareExchange(ref _users, 1, 0) != 0)
        {
            return false;
        }

        try
        {
            if (!IsClosed)
            {
                if (socket is not null)
                {
                    IsClosed = true;
                    return DirectSocket.TrySend(socket, last);
                }

                writer.Write(last);
                Close();
            }

            return true;
        }
        finally
        {
            Release();
        }
    }

    // Made when two want to write at once: most connections never have to wait.
    private SemaphoreSlim GetNext()
    {
        lock (_lock)
        {
            return _next ??= new SemaphoreSlim(0);
        }
    }

    // Whoever has given up keeps the place in the line, and passes the turn on when it comes.
    private async Task WaitCancellablyAsync(Task turn, CancellationToken cancellationToken)
    {
        try
        {
            await turn.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            _ = turn.ContinueWith(
                static (_, output) => ((FastCgiOutput)output!).Release(), this,
                CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw;
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
