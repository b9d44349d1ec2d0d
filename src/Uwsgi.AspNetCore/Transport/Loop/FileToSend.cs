using Microsoft.Win32.SafeHandles;

namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>A part of a file on its way into a socket; belongs to whoever made the socket's sender busy.</summary>
internal sealed class FileToSend(SafeFileHandle file, long offset, long count, CancellationToken cancellationToken)
    : TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    // More than any socket's buffer takes, and little enough for one call.
    private const long MaxPart = 1 << 30;

    private long _offset = offset;
    private long _left = count;
    private long _sent;

    public bool IsCancelled => cancellationToken.IsCancellationRequested;

    /// <summary>Sends on. Returns an error of the socket, or zero when there is nothing left to do for it.</summary>
    public int Continue(int socket)
    {
        while (_left > 0 && !IsCancelled)
        {
            var sent = Libc.SendFile(socket, (int)file.DangerousGetHandle(), ref _offset, Math.Min(_left, MaxPart));
            if (sent > 0)
            {
                _sent += sent;
                _left -= sent;
                continue;
            }

            // Nothing at all: the file ends here by now.
            var error = sent == 0 ? 0 : Libc.LastError;
            switch (error)
            {
                case Libc.EINTR:
                    continue;
                case 0:
                    return 0;
                case Libc.EIO or Libc.EINVAL or Libc.EOVERFLOW or Libc.ENOSYS:
                    TrySetException(new IOException($"The system cannot send the file (errno {error})."));
                    return 0;
                default:
                    return error;
            }
        }

        return 0;
    }

    /// <summary>Tells whoever waits how far it got.</summary>
    public void End()
    {
        if (IsCancelled && _left > 0)
        {
            TrySetCanceled(cancellationToken);
        }
        else
        {
            TrySetResult(_sent);
        }
    }
}
