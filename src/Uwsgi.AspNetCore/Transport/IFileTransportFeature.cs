using Microsoft.Win32.SafeHandles;

namespace Uwsgi.AspNetCore.Transport;

/// <summary>On connections whose transport can send a file without its bytes passing through the process.</summary>
internal interface IFileTransportFeature
{
    /// <summary>Sends a part of a file behind everything that was flushed. Nothing may be flushed meanwhile.</summary>
    /// <param name="file">The file; it has to stay open until the result is there.</param>
    /// <param name="offset">Where the part starts.</param>
    /// <param name="count">Its length.</param>
    /// <param name="cancellationToken">Ends the wait for the peer; what was sent is sent.</param>
    /// <returns>How many bytes were sent: fewer when the file has become shorter or the peer has gone.</returns>
    /// <exception cref="IOException">The file cannot be read, or not in this way.</exception>
    ValueTask<long> SendFileAsync(SafeFileHandle file, long offset, long count, CancellationToken cancellationToken);
}
