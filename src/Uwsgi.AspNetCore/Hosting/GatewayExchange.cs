using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.Win32.SafeHandles;
using Uwsgi.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>
/// One request and its response on the wire: the seam between the engine, which knows HTTP semantics, and a protocol, which knows
/// framing. A new protocol implements this and a connection handler; nothing in <c>Http</c> changes.
/// </summary>
/// <remarks>
/// Bytes written here (the head first, then the body) are framed by the protocol. One writer at a time: the request's own lock
/// guards every member of the output side. The input side is read by the request's body only.
/// </remarks>
internal abstract class GatewayExchange : IBufferWriter<byte>
{
    private CancellationToken _closed;

    public abstract GatewayProtocol Protocol { get; }

    /// <summary>Gets the connection that carries the exchange.</summary>
    public abstract ConnectionContext Connection { get; }

    public abstract GatewaySettings Settings { get; }

    /// <summary>Gets the bytes behind the head: the body, and after it what belongs to an upgraded stream.</summary>
    public abstract PipeReader Input { get; }

    /// <summary>Gets whether the end of the input ends a body of unannounced length; otherwise only CONTENT_LENGTH does.</summary>
    public abstract bool InputEndsBody { get; }

    /// <summary>Gets whether it is known already that the input holds nothing.</summary>
    public virtual bool IsInputEmpty => false;

    /// <summary>Gets whether the response starts with an HTTP status line; otherwise a <c>Status</c> header closes its head.</summary>
    public abstract bool HasStatusLine { get; }

    /// <summary>Gets whether the web server asks for permission only, and reads the status before it looks at any other header.</summary>
    public virtual bool IsAuthorizer => false;

    /// <summary>Gets whether the protocol can turn into a tunnel of bytes.</summary>
    public abstract bool CanUpgrade { get; }

    /// <summary>Gets the time limits of the connection's reads and writes.</summary>
    public abstract ConnectionTimeouts Timeouts { get; }

    /// <summary>Gets whether the exchange was aborted, or is watched and the peer has gone.</summary>
    public abstract bool IsAborted { get; }

    /// <summary>Gets the token that fires when the peer goes away, and watches for that from now on.</summary>
    public CancellationToken Closed
    {
        get
        {
            Watch();
            return _closed;
        }
    }

    /// <summary>Gets whether the exchange is watched and the peer has gone.</summary>
    protected bool HasPeerGone => _closed.IsCancellationRequested;

    /// <summary>Gets which of its connection's requests this is, counted from one.</summary>
    public virtual uint RequestNumber => 1;

    /// <summary>Gets what the connection's last request has left for the next one; null on a connection that carries one request.</summary>
    public virtual RequestFacades? Facades => null;

    public abstract int Modifier1 { get; }

    public abstract int Modifier2 { get; }

    /// <summary>
    /// Watches from now on for the peer's going. A transport may have to ask the system for that, so a request that is through at once goes
    /// without: there a failed read or write tells.
    /// </summary>
    public void Watch()
    {
        // A peer that closes its side means a client that has gone, unless the options say that it only means "no more from me".
        if (!_closed.CanBeCanceled && Settings.AbortOnHalfClose)
        {
            _closed = Connection.ConnectionClosed;
        }
    }

    /// <summary>Takes the connection out of the counts of open connections: it has become a tunnel.</summary>
    public abstract void ReleaseConnection();

    /// <summary>Creates a feature that only this protocol has; null for any other.</summary>
    public virtual object? CreateFeature(Type type) => null;

    /// <summary>Forgets whose going was watched for.</summary>
    protected void ResetWatch() => _closed = default;

    public abstract Memory<byte> GetMemory(int sizeHint = 0);

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public abstract void Advance(int count);

    /// <summary>Sends what was written; pending while the peer takes too little. Completed means that the peer has gone.</summary>
    public abstract ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken);

    /// <summary>Gets whether <see cref="SendFileAsync"/> is possible: the transport can, and the protocol does not frame what it sends.</summary>
    public virtual bool CanSendFiles => false;

    /// <summary>
    /// Sends a part of a file behind the bytes written so far; pending, completed and cancelled like <see cref="FlushAsync"/>. A file that has become shorter
    /// breaks the exchange.
    /// </summary>
    public virtual ValueTask<FlushResult> SendFileAsync(SafeFileHandle file, long offset, long count, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    /// <summary>Marks the end of the response behind the bytes written so far; sent with the next flush.</summary>
    public abstract void EndResponse();

    /// <summary>
    /// Takes note, in front of a flush, that it sends the last announced byte of the body. The application is still running and may
    /// still read.
    /// </summary>
    /// <param name="isRequestRead">Whether nothing is left of the request's body.</param>
    public virtual void NoteLastByte(bool isRequestRead)
    {
    }

    /// <summary>
    /// Closes the sending side where the web server waits for it; called behind the last flush, when the connection stays open for a while:
    /// for the application, or for the rest of the request's body.
    /// </summary>
    /// <param name="isLengthAnnounced">Whether the web server can tell by Content-Length that the response is complete.</param>
    /// <param name="isRequestRead">Whether nothing is left of the request's body; only a transport that closes one side alone can receive the rest.</param>
    public virtual void CloseOutput(bool isLengthAnnounced, bool isRequestRead)
    {
    }

    /// <summary>
    /// Sends a whole response in the place of an application that hangs, and ends the exchange. Called before anything of the response was written.
    /// It does not wait, and needs the thread pool only where there is no plain socket of this one exchange.
    /// </summary>
    /// <returns>What closes the connection when the response has had its time to leave; null where it stays open for others.</returns>
    public abstract Action? Answer(ReadOnlySpan<byte> response);

    /// <summary>
    /// Cuts off a response that has begun, visibly, while its application hangs: nothing more is sent than what was flushed. Does not wait.
    /// </summary>
    /// <returns>What breaks the connection when those bytes have had their time to leave; null where it stays open for others.</returns>
    public abstract Action? Cut(ConnectionAbortedException reason);

    /// <summary>Breaks the connection behind <see cref="Cut"/> now, because the application is through: closing would look like the response's end.</summary>
    public abstract void EndCut();

    /// <summary>Ends the exchange at once; what is not sent yet is lost, and the peer can tell where the protocol allows it.</summary>
    public abstract void Abort(ConnectionAbortedException reason);
}
