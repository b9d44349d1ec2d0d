using Microsoft.AspNetCore.Connections;
using Uwsgi.AspNetCore.Harakiri;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Http;

/// <remarks>
/// A request can be taken from an application that hangs: the output lock decides whether its response or the watchdog's answer begins. The
/// exchange counts as aborted from then on, so whatever is written later goes nowhere, and the object serves no other request.
/// </remarks>
internal partial class GatewayRequest : ITakeover
{
    // No code of the application runs under the lock, so it is free at once unless the machine is in trouble.
    private static readonly TimeSpan LockTimeout = TimeSpan.FromMilliseconds(100);

    private volatile bool _isTaken;

    Action? ITakeover.Take(bool isStarted)
    {
        var reason = new ConnectionAbortedException("The request took too long.");
        _isTaken = true;
        if (!_outputLock.TryEnter(LockTimeout))
        {
            _exchange?.Abort(reason);
            return null;
        }

        Action? close;
        try
        {
            if (_exchange is not { } exchange || _isResponseFinished)
            {
                return null;
            }

            close = HasResponseStarted
                ? exchange.Cut(reason)
                : exchange.Answer(HarakiriAnswer.ForGateway(exchange.HasStatusLine, exchange.IsAuthorizer, IsHead));
        }
        finally
        {
            _outputLock.Exit();
        }

        CancelAbortToken();
        return close;
    }

    void ITakeover.Forfeit()
    {
        _isTaken = true;
        lock (_outputLock)
        {
            _exchange?.EndCut();
        }
    }

    // The watchdog may be just about to take a request that has ended at last; the lock tells it so.
    private GatewayExchange? EndTakeover()
    {
        if (!_isTaken)
        {
            return _exchange;
        }

        lock (_outputLock)
        {
            var exchange = _exchange;
            _exchange = null;
            return exchange;
        }
    }
}
