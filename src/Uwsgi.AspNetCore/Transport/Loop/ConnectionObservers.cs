using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>Whoever wants to be called at the end of a connection, or every second until then; made when somebody asks.</summary>
internal sealed class ConnectionObservers(ILogger logger)
{
    /// <summary>Stands for the observers of a connection that is over.</summary>
    public static readonly ConnectionObservers Over = new(Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);

    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Stack<(Func<object, Task> Callback, object State)> _onCompleted = new();
    private readonly List<(Action<object> Action, object State)> _onHeartbeat = [];
    private Timer? _timer;

    public void OnCompleted(Func<object, Task> callback, object state)
    {
        lock (_lock)
        {
            _onCompleted.Push((callback, state));
        }
    }

    public void OnHeartbeat(Action<object> action, object state)
    {
        lock (_lock)
        {
            _onHeartbeat.Add((action, state));
            _timer ??= new Timer(static observers => ((ConnectionObservers)observers!).Beat(), this, s_interval, s_interval);
        }
    }

    /// <summary>Calls the callbacks of the end, the last one first, as Kestrel does.</summary>
    public async Task CompleteAsync()
    {
        lock (_lock)
        {
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
            foreach (var (action, state) in _onHeartbeat)
            {
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
