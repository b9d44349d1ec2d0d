namespace Uwsgi.AspNetCore.Harakiri;

/// <remarks>What becomes of the process: too many stuck requests end it, and a stop does not wait for them.</remarks>
internal sealed partial class HarakiriWatchdog
{
    // How long nothing but stuck requests must be left before a stopping server is not waited for any more; responses may be on their way.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    // What a stopping host gets on top of its own shutdown timeout.
    private static readonly TimeSpan ExitMargin = TimeSpan.FromSeconds(5);

    private bool _hasCrossed;
    private long _exitAt;
    private CancellationTokenSource? _stopping;
    private long? _onlyStuckSince;

    /// <summary>Ends a wait for the server's requests when none but stuck ones are left.</summary>
    /// <returns>What ends the observation.</returns>
    public IDisposable CutShort(CancellationTokenSource stopping)
    {
        Volatile.Write(ref _stopping, stopping);
        if (Stuck > 0)
        {
            Wake();
        }

        return new Observation(this);
    }

    private void CheckStuck(long now)
    {
        var stuck = Stuck;
        if (stuck <= _options.HarakiriMaxStuck)
        {
            _hasCrossed = false;
        }
        else if (!_hasCrossed)
        {
            _hasCrossed = true;
            _side.Add(() => Log.TooManyStuck(_logger, stuck, _options.HarakiriMaxStuck, _options.HarakiriAction));
            if (_options.HarakiriAction == HarakiriAction.Stop && _exitAt == 0)
            {
                _exitAt = now + ToTicks(_shutdownTimeout + ExitMargin);
                _process.SetExitCode(UwsgiExitCodes.Harakiri);
                _side.Add(_lifetime.StopApplication);
            }
        }

        if (_exitAt != 0 && now >= _exitAt)
        {
            _exitAt = long.MaxValue;

            // The log may be what blocks, so it gets a moment, and the end does not wait for it.
            _side.Add(() => Log.ForcedExit(_logger, (_shutdownTimeout + ExitMargin).TotalSeconds, UwsgiExitCodes.Harakiri));
            _side.Start();
            Thread.Sleep(HasThread ? Interval : TimeSpan.Zero);
            _process.Exit(UwsgiExitCodes.Harakiri);
        }
    }

    private void CheckStopping(long now, int busy)
    {
        if (Volatile.Read(ref _stopping) is not { } stopping || Stuck == 0 || busy > Stuck)
        {
            _onlyStuckSince = null;
            return;
        }

        _onlyStuckSince ??= now;
        if (_closing.Count == 0 && now - _onlyStuckSince >= ToTicks(Settling))
        {
            Volatile.Write(ref _stopping, null);
            _side.Add(stopping.Cancel);
        }
    }

    private sealed class Observation(HarakiriWatchdog watchdog) : IDisposable
    {
        public void Dispose() => Volatile.Write(ref watchdog._stopping, null);
    }
}
