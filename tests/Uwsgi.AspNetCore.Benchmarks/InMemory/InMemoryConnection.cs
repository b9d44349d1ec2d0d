using System.IO.Pipelines;
using System.Net;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Benchmarks.InMemory;

/// <summary>Both ends of a connection, made to be used again and again so that it adds nothing to a count of allocations.</summary>
internal sealed class InMemoryConnection :
    ConnectionContext,
    IDuplexPipe,
    IConnectionTransportFeature,
    IConnectionIdFeature,
    IConnectionItemsFeature,
    IConnectionLifetimeFeature,
    IValueTaskSource
{
    private static readonly PipeOptions InlinePipe =
        new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    private readonly Pipe _toApp = new(InlinePipe);
    private readonly Pipe _toClient = new(InlinePipe);
    private readonly ReusableFeatureCollection _features = new();
    private ManualResetValueTaskSourceCore<bool> _disposed;

    public InMemoryConnection()
    {
        Transport = this;
        LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 3031);
        RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, 40000);
        SetFeatures();
    }

    public override string ConnectionId { get; set; } = "0HN0000000001";

    public override IFeatureCollection Features => _features;

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    /// <summary>The client's end: what it sends.</summary>
    public PipeWriter Request => _toApp.Writer;

    /// <summary>The client's end: what it receives.</summary>
    public PipeReader Response => _toClient.Reader;

    PipeReader IDuplexPipe.Input => _toApp.Reader;

    PipeWriter IDuplexPipe.Output => _toClient.Writer;

    /// <summary>Completes when the server is done with the connection.</summary>
    public ValueTask WaitForDisposeAsync() => new(this, _disposed.Version);

    /// <summary>The server's end: as a socket's, ends both directions.</summary>
    public override ValueTask DisposeAsync()
    {
        _toApp.Reader.Complete();
        _toClient.Writer.Complete();
        _disposed.SetResult(result: true);
        return base.DisposeAsync();
    }

    public override void Abort(ConnectionAbortedException abortReason) => _toClient.Writer.Complete(abortReason);

    /// <summary>Makes a connection that both ends have closed a new one.</summary>
    public void Reset()
    {
        _toApp.Writer.Complete();
        _toClient.Reader.Complete();
        _toApp.Reset();
        _toClient.Reset();
        _disposed.Reset();
        Transport = this;
        Items.Clear();
        SetFeatures();
    }

    void IValueTaskSource.GetResult(short token) => _disposed.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _disposed.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _disposed.OnCompleted(continuation, state, token, flags);

    private void SetFeatures()
    {
        _features.Clear();
        _features.Set<IConnectionTransportFeature>(this);
        _features.Set<IConnectionIdFeature>(this);
        _features.Set<IConnectionItemsFeature>(this);
        _features.Set<IConnectionLifetimeFeature>(this);
    }
}
