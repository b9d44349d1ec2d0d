using Uwsgi.AspNetCore.Diagnostics;

namespace Uwsgi.AspNetCore.Http;

internal partial class GatewayRequest : IRequestCounters
{
    long IRequestCounters.BytesReceived => _bodyReader?.BytesRead ?? 0;

    int IRequestCounters.HeadBytesSent => _headBytes;

    int IRequestCounters.HeadFieldsSent => _headFields;

    long IRequestCounters.BodyBytesSent => HasResponseStarted && _bodyRule != BodyRule.Allowed ? 0 : _bodyBytes;

    bool IRequestCounters.HasReadFailed => _isConnectionLost;

    // The abort is blocked as soon as the last announced byte is on its way: what the peer does then is no failure.
    bool IRequestCounters.HasWriteFailed => !_isAbortBlocked && _exchange?.IsAborted == true;
}
