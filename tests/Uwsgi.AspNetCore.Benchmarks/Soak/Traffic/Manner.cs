namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>How a client behaves.</summary>
internal enum Manner
{
    Plain,
    SlowHead,
    SlowBody,
    SlowReader,
    HalfClose,
    ResetInHead,
    ResetInUpload,
    ResetInDownload,
}
