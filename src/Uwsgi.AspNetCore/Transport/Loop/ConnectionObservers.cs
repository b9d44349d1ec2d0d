using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>Whoever wants to be called at the end of a connection, or every second until then; made when somebody asks.</summary>
internal sealed class ConnectionObservers(ILogger logger)
{
    /// <summary>The observers of a connection that is over, and had none.</summary>
    public static readonly ConnectionObservers None = new(NullLogger.Instance) { _isOver = true };

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Stack<(Func<object, Task> Callback, object State)> _onCompleted = new();
    private readonly List<(Action<object> Action, object State)> _onHeartbeat = [];
    private Timer? _timer;
    private bool _isOver;

    /// <exception cref="InvalidOperationException">The connection is over.</exception>
    public void OnCompleted(Func<object, Task> callback, object state)
    {
        lock (_lock)
        {
            ThrowIfOver();
            _onCompleted.Push((callback, state));
        }
    }

    /// <exception cref="InvalidOperationException">The connection is over.</exception>
    public void OnHeartbeat(Action<object> action, object state)
    {
        lock (_lock)
        {
            ThrowIfOver();
            _onHeartbeat.Add((action, state));
            _timer ??= new Timer(static observers => ((ConnectionObservers)observers!).Beat(), this, s_interval, s_interval);
        }
    }

    /// <summary>Calls the callbacks of the end, the last one first, as Kestrel does.</summary>
    public async Task CompleteAsync()
    {
        lock (_lock)
        {
            _isOver = true;
            _timer?.Dispose();
            _onHeartbeat.Clear();
        }

        while (TryPop(out var last))
        {
            try
            {
                await last.Callback(last.State);
            }
            catch (Exception error)
            {
                KestrelLog.CompletionFailed(logger, error);
            }
        }
    }

    private void ThrowIfOver()
    {
        if (_isOver)
        {
            throw new InvalidOperationException("The connection is already complete.");
        }
    }

    private bool TryPop(out (Func<object, Task> Callback, object State) last)
    {
        lock (_lock)
        {
            return _onCompleted.TryPop(out last);
        }
    }

    // A beat that comes late finds nobody.
    private void Beat()
    {
        lock (_lock)
        {
            // By number: an action may add another one.
            for (var i = 0; i < _onHeartbeat.Count; i++)
            {
                var (action, state) = _onHeartbeat[i];
                try
                {
                    action(state);
                }
                catch (Exception error)
                {
                    KestrelLog.HeartbeatFailed(logger, error);
                }
            }
        }
    }
}
