using System.Diagnostics;

namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>The memory of the process, asked for at most once a second since the system takes its time to tell.</summary>
internal sealed class ProcessMemory(TimeProvider time)
{
    private readonly Lock _lock = new();
    private (long Resident, long Virtual) _bytes;
    private long? _askedAt;

    public (long Resident, long Virtual) Bytes
    {
        get
        {
            lock (_lock)
            {
                if (_askedAt is not { } askedAt || time.GetElapsedTime(askedAt) >= TimeSpan.FromSeconds(1))
                {
                    using var process = Process.GetCurrentProcess();
                    _bytes = (process.WorkingSet64, process.VirtualMemorySize64);
                    _askedAt = time.GetTimestamp();
                }

                return _bytes;
            }
        }
    }
}
