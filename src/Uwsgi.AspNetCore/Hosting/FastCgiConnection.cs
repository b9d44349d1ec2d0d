using System.Diagnostics;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Protocols.FastCgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>A FastCGI connection: any number of requests, one after another or at once, kept open while the web server wants it.</summary>
/// <remarks>
/// One task, <see cref="RunAsync"/>, reads records and alone advances the input. Requests run inline on it when they are the only one
/// (web servers that do not multiplex use id 1), else on the thread pool. <see cref="Output"/> and
/// <see cref="Requests"/> are all that the loop and the requests share. What a record does and what a request is answered are in files of their own.
/// </remarks>
internal sealed partial class FastCgiConnection
{
    // One request may keep this much of its STDIN waiting before its connection is read no further.
    private const int StdinBound = 128 * 1024;

    private readonly GatewayApplication _application;
    private readonly PipeReader _input;
    private readonly ConnectionTimeouts _timeouts;
    private readonly FastCgiRecordReader _records = new();
    private readonly List<FastCgiExchange> _ready = [];
    private readonly BodyBuffer _control = new();
    private FastCgiExchange? _blocked;
    private ValueTask<FlushResult> _blockedFlush;
    private PipeOptions? _stdinOptions;
    private bool _isReadTimed;
    private bool _isOver;
    private int _isUncounted;
    private volatile bool _isAborted;

    public FastCgiConnection(ConnectionContext connection, GatewayServices services, GatewayApplication application, TimeSpan waited)
    {
        Connection = connection;
        Services = services;
        _application = application;
        _input = connection.Transport.Input;
        _timeouts = ConnectionTimeouts.Of(connection, services.Clock);
        Output = new FastCgiOutput(connection.Transport.Output, _timeouts);
        Requests = new FastCgiRequestTable(services.Settings, services.Clock, waited);
    }

    public ConnectionContext Connection { get; }

    public GatewayServices Services { get; }

    public FastCgiRequestTable Requests { get; }

    public FastCgiOutput Output { get; }

    public PipeOptions StdinOptions => _stdinOptions ??= new PipeOptions(
        Connection.Features.Get<IMemoryPoolFeature>()?.MemoryPool,
        pauseWriterThreshold: StdinBound, resumeWriterThreshold: StdinBound / 2, useSynchronizationContext: false);

    private GatewaySettings Settings => Services.Settings;

    // Looked at behind every read, since records that lead nowhere could arrive without a pause.
    private bool IsTimeOver => Requests.GetReadTimeout() == TimeSpan.Zero && !Debugger.IsAttached;

    /// <summary>Serves a connection that has been counted, to its end.</summary>
    public async Task RunAsync()
    {
        // All in one method: an idle connection waits in here, and every method on its stack would cost it an object.
        try
        {
            var lifetime = Connection.Features.Get<IConnectionLifetimeNotificationFeature>();
            using var closeRequest = lifetime?.ConnectionClosedRequested.UnsafeRegister(
                static connection => ((FastCgiConnection)connection!).RequestClose(), this) ?? default;
            try
            {
                while (!_isAborted && !_isOver)
                {
                    if (!_input.TryRead(out var read))
                    {
                        StartReadTime(Requests.StartWaiting());
                        try
                        {
                            read = await _input.ReadAsync();
                        }
                        finally
                        {
                            StopReadTime();
                        }
                    }

                    var isInputOver = Take(read.Buffer) && read.IsCompleted;
                    if (IsTimeOver && !RejectExpired())
                    {
                        break;
                    }

                    if (_control.Length > 0)
                    {
                        await SendControlAsync();
                    }

                    Dispatch();
                    if (_blocked is not null)
                    {
                        await WaitForReaderAsync();
                    }

                    if (Requests.MayClose || isInputOver)
                    {
                        break;
                    }
                }
            }
            catch (GatewayProtocolException broken)
            {
                // The framing cannot be trusted any more, so no answer would reach its request.
                NoteRejection(broken);
                Abort(new ConnectionAbortedException(broken.Message, broken));
            }
            catch (Exception gone) when (ConnectionLoss.Is(gone))
            {
                _isAborted = true;
                Log.ConnectionReset(Services.Logger, Connection.ConnectionId, gone);
            }
            finally
            {
                await EndAllAsync();
            }
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(Services.Logger, Connection.ConnectionId, broken);
            Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
        finally
        {
            Uncount();
        }
    }

    /// <summary>Takes the connection out of the counts of open connections: it has become a tunnel.</summary>
    public void ReleaseConnection()
    {
        Uncount();
        Connection.Features.Get<IDecrementConcurrentConnectionCountFeature>()?.ReleaseConnection();
    }

    /// <summary>Ends the connection at once.</summary>
    public void Abort(ConnectionAbortedException reason)
    {
        _isAborted = true;
        Connection.Abort(reason);
    }

    private void Uncount()
    {
        // Requests of one connection may be upgraded at the same time.
        if (Interlocked.Exchange(ref _isUncounted, 1) == 0)
        {
            Services.Connections.Remove();
        }
    }

    private void RequestClose()
    {
        Requests.IsClosing = true;
        _input.CancelPendingRead();
    }

    private void StartReadTime(TimeSpan? timeout)
    {
        _isReadTimed = timeout is not null;
        if (timeout is { } limit)
        {
            _timeouts.StartRead(limit);
        }
    }

    private void StopReadTime()
    {
        if (_isReadTimed)
        {
            _timeouts.StopRead();
        }
    }

    // Inline where nothing waits for it: the only request, its body complete. Otherwise the loop must go on reading meanwhile.
    private void Dispatch()
    {
        foreach (var exchange in _ready)
        {
            exchange.IsDispatched = true;
            if (Requests.MayRunInline(exchange))
            {
                _ = ProcessAsync(exchange);
            }
            else
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    static state => _ = state.Connection.ProcessAsync(state.Exchange), (Connection: this, Exchange: exchange), preferLocal: false);
            }
        }

        _ready.Clear();
    }

    private async Task ProcessAsync(FastCgiExchange exchange)
    {
        var request = exchange.Request!;
        var reuse = false;
        try
        {
            FastCgiPairs.DecodeBlock(request.Variables);
            request.Begin(exchange);
            await _application.ProcessAsync(request);
            if (request.IsUpgraded)
            {
                exchange.EndResponse();
                await exchange.FlushAsync(CancellationToken.None);
            }

            reuse = request.CanBeReused && exchange.HasEnded;
        }
        catch (GatewayProtocolException rejected)
        {
            NoteRejection(rejected);
            if (rejected.Reason is GatewayRejection.MalformedBlock or GatewayRejection.EmptyName)
            {
                // A peer that gets this wrong may get the next record wrong as well.
                Requests.IsClosing = true;
            }

            await SendRejectionAsync(exchange, rejected);
        }
        catch (Exception broken)
        {
            Log.ConnectionFailed(Services.Logger, Connection.ConnectionId, broken);
            Abort(new ConnectionAbortedException("The gateway connection failed.", broken));
        }
        finally
        {
            if (!exchange.HasEnded)
            {
                // Aborted while others are on the connection: without END_REQUEST its id would stay taken at the web server.
                await EndFailedAsync(exchange);
            }

            Finish(exchange, reuse);
        }
    }

    private void Finish(FastCgiExchange exchange, bool reuse)
    {
        // The object goes back at once, since the next request may be long in coming, or come on another connection first.
        var request = exchange.Request!;
        exchange.Request = null;
        exchange.ReleaseInput();
        _application.Return(request, reuse, exchange.Facades);
        if (Requests.Finish(exchange, reuse && Settings.PoolRequests))
        {
            // The read loop may be waiting for input; let it see that it may close.
            _input.CancelPendingRead();
        }
    }

    // Nothing is read any more: bodies end where they are, requests that never started are dropped, the others are waited for.
    private async ValueTask EndAllAsync()
    {
        // Both are IOExceptions, so both tell a body's reader that the connection is lost; the second is what Kestrel's readers get.
        Exception reason = _isAborted
            ? new ConnectionResetException("The connection to the web server is lost.")
            : new Microsoft.AspNetCore.Http.BadHttpRequestException("Unexpected end of request content.", StatusCodes.Status400BadRequest);
        foreach (var exchange in Requests.Seal(_isAborted))
        {
            exchange.EndInput(reason);
            if (!exchange.IsDispatched && Requests.TryEnd(exchange))
            {
                Finish(exchange, reuse: true);
            }
        }

        await Requests.WaitForAllAsync();
        // Nobody waits for the last answer to a request that was taken from its application; behind this line the pipe may be another connection's.
        await Output.SealAsync();
        _control.Clear();
    }
}
