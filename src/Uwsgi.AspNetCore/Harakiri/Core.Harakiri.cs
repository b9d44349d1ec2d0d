namespace Uwsgi.AspNetCore.Workers;

internal sealed partial class Core : IHarakiriFeature
{
    private TimeSpan? _timeout;

    TimeSpan? IHarakiriFeature.Timeout { get => _timeout; set => _timeout = value; }

    TimeSpan IHarakiriFeature.Elapsed => worker.Time.GetElapsedTime(StartTimestamp);

    private void EndHarakiri() => _timeout = null;
}
