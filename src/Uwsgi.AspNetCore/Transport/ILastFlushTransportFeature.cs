using System.IO.Pipelines;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>A transport on which the last bytes and the end of the output are cheaper together than one after the other, as over TCP: one packet instead of two.</summary>
internal interface ILastFlushTransportFeature
{
    /// <summary>Flushes like <see cref="PipeWriter.FlushAsync"/> and completes the output behind it.</summary>
    /// <param name="cancellationToken">Ends the wait for the peer.</param>
    ValueTask<FlushResult> FlushLastAsync(CancellationToken cancellationToken);
}
