using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols.FastCgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>One FastCGI request: its parameters while they arrive, its STDIN as a bounded pipe, its STDOUT as records.</summary>
/// <remarks>
/// The connection's read loop feeds the input side. The output side is staged here and sent in turns of at most one record of each
/// request, so that responses on one connection interleave fairly.
/// </remarks>
internal sealed class FastCgiExchange : GatewayExchange
{
    private const int MaxErrorBytes = 64 * 1024;

    private readonly FastCgiConnection _owner;
    private readonly ConnectionTimeouts _timeouts;
    private readonly Lock _inputLock = new();
    private readonly BodyBuffer _staged = new();
    private readonly RequestFacades _facades = new();
    private uint _number;
    private Pipe? _stdin;
    private volatile bool _isStdinEnded;
    private Exception? _stdinError;
    private bool _hasStdin;
    private bool _isEnding;
    private int _errorBytes;
    private volatile bool _hasEnded;
    private volatile bool _isAborted;

    public FastCgiExchange(FastCgiConnection owner)
    {
        _owner = owner;
        _timeouts = new ConnectionTimeouts(
            owner.Services.Clock,
            this,
            static target => ((FastCgiExchange)target).Input.CancelPendingRead(),
            static (target, reason) => ((FastCgiExchange)target)._owner.Abort(reason));
    }

    public override uint RequestNumber => _number;

    public override RequestFacades? Facades => _facades;

    public ushort RequestId { get; private set; }

    public FastCgiRole Role { get; private set; }

    public bool KeepsConnection { get; private set; }

    /// <summary>Gets when BEGIN_REQUEST arrived, on the clock's scale.</summary>
    public long Started { get; private set; }

    /// <summary>Gets the request object, which collects the parameters until they are complete.</summary>
    public GatewayRequest? Request { get; set; }

    /// <summary>Gets or sets whether PARAMS is complete.</summary>
    public bool AreParamsComplete { get; set; }

    /// <summary>Gets or sets how long other requests have waited for the application to read the body.</summary>
    public TimeSpan Stalled { get; set; }

    /// <summary>Gets or sets whether the request runs or has run.</summary>
    public bool IsDispatched { get; set; }

    /// <summary>Gets whether a part of the response has been written; to be asked by who holds the turn.</summary>
    public bool HasOutput { get; private set; }

    /// <summary>Gets whether END_REQUEST has been written, or is about to be.</summary>
    public bool HasEnded => _hasEnded;

    /// <summary>Gets or sets why the connection is about to be broken behind what was sent of the response; null when it is not.</summary>
    public ConnectionAbortedException? Break { get; set; }

    /// <summary>Gets whether the web server has sent all of STDIN.</summary>
    public bool IsStdinEnded => _isStdinEnded;

    public override GatewayProtocol Protocol => GatewayProtocol.FastCgi;

    public override ConnectionContext Connection => _owner.Connection;

    public override GatewaySettings Settings => _owner.Services.Settings;

    public override PipeReader Input
    {
        get
        {
            lock (_inputLock)
            {
                return GetPipe().Reader;
            }
        }
    }

    // An authorizer's request has no body, and Apache never ends its STDIN.
    public override bool InputEndsBody => Role == FastCgiRole.Responder;

    public override bool IsInputEmpty => _isStdinEnded && !_hasStdin;

    public override bool HasStatusLine => false;

    public override bool CanUpgrade => Settings.AllowFastCgiUpgrade && Role == FastCgiRole.Responder;

    public override ConnectionTimeouts Timeouts => _timeouts;

    public override bool IsAborted => _isAborted || HasPeerGone;

    public override int Modifier1 => 0;

    public override int Modifier2 => 0;

    public override bool IsAuthorizer => Role == FastCgiRole.Authorizer;

    public void Begin(uint number, ushort requestId, FastCgiRole role, bool keepsConnection, long started)
    {
        _number = number;
        RequestId = requestId;
        Role = role;
        Stalled = TimeSpan.Zero;
        KeepsConnection = keepsConnection;
        Started = started;
        AreParamsComplete = false;
        IsDispatched = false;
        _hasEnded = false;
        _stdin = null;
        _isStdinEnded = false;
        _stdinError = null;
        _hasStdin = false;
        _isEnding = false;
        HasOutput = false;
        _errorBytes = 0;
        _isAborted = false;
        Break = null;
        _staged.Clear();
        _timeouts.Reset();
    }

    public override object? CreateFeature(Type type) => type == typeof(IFastCgiFeature) ? new FastCgiFeature(this) : null;

    public override Memory<byte> GetMemory(int sizeHint = 0) => _staged.GetMemory(sizeHint);

    public override void Advance(int count) => _staged.Advance(count);

    public override void EndResponse() => _isEnding = true;

    // END_REQUEST then leaves with the body, not in a packet of its own; while there is STDIN to come its id must stay in use.
    public override void NoteLastByte(bool isRequestRead) => _isEnding |= _isStdinEnded;

    // Behind a complete answer only: the end of one that was cut would look like its own.
    public override void CloseOutput(bool isLengthAnnounced, bool isRequestRead)
    {
        if (!KeepsConnection && HasEnded && !IsAborted && ((isRequestRead && _isStdinEnded) || _owner.CanHalfClose))
        {
            _owner.CloseOutput(this);
        }
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken)
    {
        if (IsAborted || HasEnded)
        {
            // A response that is complete already is nothing to tell the application about.
            _staged.Clear();
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: IsAborted));
        }

        var turn = _owner.Output.WaitAsync(cancellationToken);
        if (!turn.IsCompletedSuccessfully)
        {
            return FlushInTurnsAsync(turn, cancellationToken);
        }

        var flush = FlushTurn(out var isDone);
        if (!isDone || !flush.IsCompletedSuccessfully)
        {
            return FinishFlushAsync(flush, isDone, cancellationToken);
        }

        _owner.Output.Release();
        return flush;
    }

    public override void ReleaseConnection() => _owner.ReleaseConnection();

    public override Action? Answer(ReadOnlySpan<byte> response)
    {
        _isAborted = true;
        return _owner.Answer(this, response);
    }

    public override Action? Cut(ConnectionAbortedException reason)
    {
        _isAborted = true;
        return _owner.Cut(this, reason);
    }

    public override void EndCut()
    {
        if (Break is { } reason)
        {
            _owner.Abort(reason);
        }
    }

    public override void Abort(ConnectionAbortedException reason)
    {
        _isAborted = true;
        _owner.AbortRequest(this, reason);
    }

    /// <summary>Takes note of ABORT_REQUEST: the client has gone, the application is told, nothing more is sent but the end.</summary>
    public void AbortByPeer()
    {
        _isAborted = true;
        Request?.CancelByPeer();
        EndInput(new ConnectionResetException("The web server aborted the request."));
    }

    /// <summary>Marks the request's end on the wire, so that nothing of it can follow.</summary>
    public void MarkEnded() => _hasEnded = true;

    /// <summary>Adds a part of STDIN.</summary>
    /// <returns>A flush to wait for when the application is behind; completed otherwise.</returns>
    public ValueTask<FlushResult> AddInput(in ReadOnlySequence<byte> content)
    {
        lock (_inputLock)
        {
            if (_isStdinEnded)
            {
                return default;
            }

            _hasStdin = true;
            var writer = GetPipe().Writer;
            foreach (var segment in content)
            {
                writer.Write(segment.Span);
            }

            return writer.FlushAsync();
        }
    }

    /// <summary>Takes note of the end of STDIN, or of everything.</summary>
    public void EndInput(Exception? error = null)
    {
        lock (_inputLock)
        {
            if (!_isStdinEnded)
            {
                _isStdinEnded = true;
                _stdinError = error;
                _stdin?.Writer.Complete(error);
            }
        }
    }

    /// <summary>Lets go of an input that nobody will read any more; a flush that waits for room returns.</summary>
    public void ReleaseInput()
    {
        if (_isStdinEnded && _stdin is null)
        {
            return;
        }

        lock (_inputLock)
        {
            // Both ends, or what waits in the pipe would never go back to its pool.
            if (!_isStdinEnded)
            {
                _isStdinEnded = true;
                _stdin?.Writer.Complete();
            }

            _stdin?.Reader.Complete();
        }
    }

    /// <summary>Sends a message to the web server's log, if the request that has it is not over.</summary>
    public async ValueTask WriteErrorAsync(uint number, string message, CancellationToken cancellationToken)
    {
        await _owner.Output.WaitAsync(cancellationToken);
        ValueTask<FlushResult> flush;
        try
        {
            var bytes = Encoding.UTF8.GetBytes(message);
            var count = _number == number && !HasEnded && !IsAborted && !_owner.Output.IsClosed ? Math.Min(bytes.Length, MaxErrorBytes - _errorBytes) : 0;
            if (count <= 0)
            {
                _owner.Output.Release();
                return;
            }

            _errorBytes += count;
            FastCgiRecord.WriteStream(_owner.Output.Writer, FastCgiRecordType.Stderr, RequestId, bytes.AsSpan(0, count));
            flush = _owner.Output.FlushAsync(Settings.MinResponseDataRate, count);
        }
        catch
        {
            _owner.Output.Release();
            throw;
        }

        await FinishFlushAsync(flush, isDone: true, cancellationToken);
    }

    // Created when somebody needs it: requests without a body have no pipe.
    private Pipe GetPipe()
    {
        if (_stdin is null)
        {
            _stdin = new Pipe(_owner.StdinOptions);
            if (_isStdinEnded)
            {
                _stdin.Writer.Complete(_stdinError);
            }
        }

        return _stdin;
    }

    // Writes one record, and the end when nothing is left, and sends them. Done means that all of it is written.
    private ValueTask<FlushResult> FlushTurn(out bool isDone)
    {
        try
        {
            isDone = WriteTurn();
            return isDone && _owner.Output.IsClosed
                ? new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true))
                : _owner.Output.Writer.FlushAsync(CancellationToken.None);
        }
        catch
        {
            _owner.Output.Release();
            throw;
        }
    }

    private bool WriteTurn()
    {
        if (HasEnded || _owner.Output.IsClosed)
        {
            _staged.Clear();
            return true;
        }

        var output = _owner.Output.Writer;
        HasOutput |= _staged.Length > 0;
        _staged.MoveFirst(output, FastCgiRecord.MaxContentLength, this, static (writer, exchange, content) =>
            FastCgiRecord.WriteStream(writer, FastCgiRecordType.Stdout, exchange.RequestId, content));
        if (_staged.Length > 0)
        {
            return false;
        }

        if (_isEnding && _owner.Requests.TryEnd(this))
        {
            FastCgiRecord.WriteEndOfResponse(output, RequestId);
        }

        return true;
    }

    private async ValueTask<FlushResult> FlushInTurnsAsync(Task turn, CancellationToken cancellationToken)
    {
        await turn;
        var flush = FlushTurn(out var isDone);
        return await FinishFlushAsync(flush, isDone, cancellationToken);
    }

    private async ValueTask<FlushResult> FinishFlushAsync(ValueTask<FlushResult> flush, bool isDone, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await WaitForFlushAsync(flush, cancellationToken);
            if (isDone || result.IsCompleted || IsAborted)
            {
                return result;
            }

            // Another request's turn comes first if it is waiting.
            await _owner.Output.WaitAsync(cancellationToken);
            flush = FlushTurn(out isDone);
        }
    }

    // Gives the turn back when the flush is through. Its records are the connection's by then, so only the wait for it can be cancelled.
    private async ValueTask<FlushResult> WaitForFlushAsync(ValueTask<FlushResult> flush, CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled || flush.IsCompleted)
        {
            try
            {
                return await flush;
            }
            finally
            {
                _owner.Output.Release();
            }
        }

        return await ReleaseBehindAsync(flush).WaitAsync(cancellationToken);
    }

    private async Task<FlushResult> ReleaseBehindAsync(ValueTask<FlushResult> flush)
    {
        try
        {
            return await flush;
        }
        finally
        {
            _owner.Output.Release();
        }
    }
}
