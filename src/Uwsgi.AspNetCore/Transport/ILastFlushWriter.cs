using System.IO.Pipelines;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>The output of a transport that ends its sending alone when it is completed, and can send its last bytes together with that end.</summary>
internal interface ILastFlushWriter
{
    /// <summary>Gets whether both are cheaper together than one after the other, as over TCP: one packet instead of two.</summary>
    bool PrefersLastFlush { get; }

    /// <summary>Flushes like <see cref="PipeWriter.FlushAsync"/> and completes the output behind it.</summary>
    /// <param name="cancellationToken">Ends the wait for the peer.</param>
    ValueTask<FlushResult> FlushLastAsync(CancellationToken cancellationToken);
}
