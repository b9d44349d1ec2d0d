using Uwsgi.AspNetCore.Protocols.FastCgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>
/// The requests of one connection: which ids are taken, how many requests run, and what follows for the connection: how long it may
/// wait for input, and whether it may close.
/// </summary>
/// <remarks>
/// The read loop adds requests; whoever sends END_REQUEST removes them. An id is free again as soon as its END_REQUEST is written, and
/// the request may run on for a while, so the two are counted apart. All of it under one lock, in which no code of the application runs.
/// </remarks>
/// <param name="settings">The limits.</param>
/// <param name="clock">The clock that measures them.</param>
/// <param name="waited">How long the web server had taken to say that it speaks FastCGI.</param>
internal sealed class FastCgiRequestTable(GatewaySettings settings, TimeoutClock clock, TimeSpan waited)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ushort, FastCgiExchange> _active = [];
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FastCgiExchange? _spare;
    private int _unfinished;
    private bool _hasServed;
    private bool _isSealed;
    private bool _isWaitingWithoutLimit;
    private bool _wasShared;
    private ushort _lastId;
    private bool _hasReusedId;
    private long _idleSince = clock.Timestamp;
    private ushort _drainedId;
    private long _drainedBytes;
    private volatile bool _isClosing;

    /// <summary>Gets or sets whether the connection takes no further requests and closes when the last one is through.</summary>
    public bool IsClosing { get => _isClosing; set => _isClosing = value; }

    /// <summary>Gets whether nothing is left that the connection would have to stay open for.</summary>
    public bool MayClose
    {
        get
        {
            lock (_lock)
            {
                return _isClosing && IsIdle && _drainedId == 0;
            }
        }
    }

    private bool IsIdle => _active.Count == 0 && _unfinished == 0;

    /// <summary>Finds the request whose id is in use.</summary>
    public FastCgiExchange? Find(ushort requestId)
    {
        lock (_lock)
        {
            return _active.GetValueOrDefault(requestId);
        }
    }

    /// <summary>Gets whether an exchange is the only one on the connection.</summary>
    public bool IsAlone(FastCgiExchange exchange)
    {
        lock (_lock)
        {
            return IsAloneLocked(exchange);
        }
    }

    /// <summary>
    /// Gets whether others may wait for an exchange: they are on the connection, or have been, so that more may have arrived unread.
    /// </summary>
    public bool MayHoldUpOthers(FastCgiExchange exchange)
    {
        lock (_lock)
        {
            return _wasShared || !IsAloneLocked(exchange);
        }
    }

    /// <summary>Takes no further requests if an exchange is the only one on the connection, running or answered.</summary>
    public bool TryCloseWith(FastCgiExchange exchange)
    {
        lock (_lock)
        {
            if (exchange.HasEnded ? _active.Count > 0 || _unfinished > 1 : !IsAloneLocked(exchange))
            {
                return false;
            }

            _isClosing = true;
            return true;
        }
    }

    /// <summary>
    /// Ends a request that is the only one its connection carries, with no other one ever beside it, so that nothing of another's is on its way;
    /// no further ones are taken.
    /// </summary>
    public bool TryTakeAlone(FastCgiExchange exchange)
    {
        lock (_lock)
        {
            if (_wasShared || exchange.HasEnded || !IsAloneLocked(exchange))
            {
                return false;
            }

            _isClosing = true;
            EndLocked(exchange, hasMoreInput: false);
            return true;
        }
    }

    /// <summary>Says why a new request cannot be taken; <see langword="null"/> when it can.</summary>
    public FastCgiProtocolStatus? GetRefusal(FastCgiRole role)
    {
        if (role is not (FastCgiRole.Responder or FastCgiRole.Authorizer))
        {
            return FastCgiProtocolStatus.UnknownRole;
        }

        lock (_lock)
        {
            if (_active.Count > 0 && !settings.MultiplexFastCgi)
            {
                return FastCgiProtocolStatus.CantMpxConn;
            }

            return _isClosing || _unfinished >= settings.MaxRequestsPerConnection || CountHalfOpen() >= settings.MaxHalfOpenRequests
                ? FastCgiProtocolStatus.Overloaded
                : null;
        }
    }

    /// <summary>
    /// Gets whether the web server sends one request after another, so that nothing waits while one runs on the read loop itself: the
    /// connection is for one request, or the web server has used an id again, which those that multiplex do not.
    /// </summary>
    public bool MayRunInline(FastCgiExchange exchange)
    {
        lock (_lock)
        {
            return _unfinished == 1 && exchange.IsStdinEnded && (_hasReusedId || !exchange.KeepsConnection);
        }
    }

    /// <summary>Adds a request; the caller has made sure that its id is free.</summary>
    public FastCgiExchange Add(ushort requestId, FastCgiRole role, bool keepsConnection, FastCgiConnection owner)
    {
        lock (_lock)
        {
            var exchange = _spare ?? new FastCgiExchange(owner);
            _spare = null;
            _wasShared |= _active.Count > 0;
            _hasReusedId |= requestId == _lastId;
            _lastId = requestId;
            exchange.Begin(requestId, role, keepsConnection, clock.Timestamp);
            _active.Add(requestId, exchange);
            _unfinished++;
            return exchange;
        }
    }

    /// <summary>Frees a request's id: its END_REQUEST is about to be written.</summary>
    /// <returns>False when somebody else has ended it, so that its END_REQUEST is written once.</returns>
    public bool TryEnd(FastCgiExchange exchange)
    {
        lock (_lock)
        {
            if (exchange.HasEnded)
            {
                return false;
            }

            EndLocked(exchange, hasMoreInput: exchange is { IsStdinEnded: false, Role: FastCgiRole.Responder });
            return true;
        }
    }

    /// <summary>Frees the id of a request that is given up, and tells its application.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="hasMoreInput">Whether more of its STDIN is to come.</param>
    /// <returns>False when it has ended already.</returns>
    public bool TryAbort(FastCgiExchange exchange, bool hasMoreInput)
    {
        lock (_lock)
        {
            if (exchange.HasEnded)
            {
                return false;
            }

            // In one step, or a request that is just being finished would pass the abort on to the next one on its object.
            EndLocked(exchange, hasMoreInput);
            exchange.AbortByPeer();
            return true;
        }
    }

    /// <summary>Takes note of STDIN that belongs to no request any more.</summary>
    public void NoteDrained(ushort requestId, int bytes, bool isEnd)
    {
        lock (_lock)
        {
            if (requestId == _drainedId)
            {
                _drainedBytes += bytes;
                if (isEnd || _drainedBytes > settings.MaxDrainBytes)
                {
                    _drainedId = 0;
                }
            }
        }
    }

    /// <summary>Reads on for a request that was refused: its parameters and its STDIN are on their way.</summary>
    public void CloseBehind(ushort requestId)
    {
        lock (_lock)
        {
            if (_active.Count == 0)
            {
                _isClosing = true;
                StartDraining(requestId);
            }
        }
    }

    /// <summary>Takes the request's object away from an exchange that is through, so that nothing can reach it from here any more.</summary>
    public Http.GatewayRequest TakeRequest(FastCgiExchange exchange)
    {
        lock (_lock)
        {
            var request = exchange.Request!;
            exchange.Request = null;
            return request;
        }
    }

    /// <summary>Keeps an exchange with a clean request for the next request: those that follow one another need no other.</summary>
    public bool TryKeep(FastCgiExchange exchange, Http.GatewayRequest request)
    {
        lock (_lock)
        {
            if (_spare is not null || _isSealed)
            {
                return false;
            }

            exchange.Request = request;
            _spare = exchange;
            return true;
        }
    }

    /// <summary>Takes note that nothing of a request is left.</summary>
    /// <returns>Whether the read loop has to be woken: nothing bounds its wait, or it may close.</returns>
    public bool Finish(bool keepsConnection)
    {
        lock (_lock)
        {
            _hasServed = true;
            _unfinished--;
            _isClosing |= !keepsConnection;
            if (!IsIdle)
            {
                return false;
            }

            _idleSince = clock.Timestamp;
            if (_isSealed)
            {
                _finished.TrySetResult();
            }

            return _isClosing || _isWaitingWithoutLimit;
        }
    }

    /// <summary>Says how long the read loop may wait that is about to; see <see cref="GetReadTimeout"/>.</summary>
    public TimeSpan? StartWaiting()
    {
        lock (_lock)
        {
            var timeout = GetReadTimeoutLocked();
            _isWaitingWithoutLimit = timeout is null;
            return timeout;
        }
    }

    /// <summary>
    /// Says how long to wait for input: what half-open requests have left, or the idle connection; <see langword="null"/> while requests
    /// run. Whatever else arrives meanwhile does not lengthen it.
    /// </summary>
    public TimeSpan? GetReadTimeout()
    {
        lock (_lock)
        {
            return GetReadTimeoutLocked();
        }
    }

    /// <summary>Gets the half-open requests whose time is over; <see langword="null"/> when it is the idle connection's own.</summary>
    public FastCgiExchange[]? FindExpired()
    {
        lock (_lock)
        {
            return IsIdle ? null : [.. _active.Values.Where(exchange =>
                !exchange.AreParamsComplete && GetTimeLeft(settings.RequestHeadersTimeout, exchange.Started) == TimeSpan.Zero)];
        }
    }

    /// <summary>Gets the requests that are left when nothing is read any more.</summary>
    /// <param name="isLost">Whether nothing can be sent either, so that their applications need not go on.</param>
    public FastCgiExchange[] Seal(bool isLost)
    {
        lock (_lock)
        {
            _isSealed = true;
            if (isLost)
            {
                foreach (var exchange in _active.Values)
                {
                    exchange.AbortByPeer();
                }
            }

            if (_unfinished == 0)
            {
                _finished.TrySetResult();
            }

            return [.. _active.Values];
        }
    }

    /// <summary>Waits until every request is through, then gives the one that was kept.</summary>
    public async ValueTask<FastCgiExchange?> WaitForAllAsync()
    {
        await _finished.Task;
        return _spare;
    }

    private bool IsAloneLocked(FastCgiExchange exchange) => _active.Count == 1 && _active.ContainsValue(exchange);

    private TimeSpan? GetReadTimeoutLocked()
    {
        if (IsIdle)
        {
            var limit = _drainedId != 0 ? settings.DrainTimeout : _hasServed ? settings.KeepAliveTimeout : settings.RequestHeadersTimeout - waited;
            return GetTimeLeft(limit, _idleSince);
        }

        TimeSpan? shortest = null;
        foreach (var exchange in _active.Values)
        {
            if (!exchange.AreParamsComplete && GetTimeLeft(settings.RequestHeadersTimeout, exchange.Started) is var left && !(shortest < left))
            {
                shortest = left;
            }
        }

        return shortest;
    }

    private void EndLocked(FastCgiExchange exchange, bool hasMoreInput)
    {
        exchange.MarkEnded();
        _active.Remove(exchange.RequestId);
        if (hasMoreInput && !exchange.KeepsConnection)
        {
            StartDraining(exchange.RequestId);
        }
    }

    // Closing on unread input could cost the web server the response, so the rest of it is read first.
    private void StartDraining(ushort requestId)
    {
        _drainedId = requestId;
        _drainedBytes = 0;
        _idleSince = clock.Timestamp;
    }

    private int CountHalfOpen()
    {
        var count = 0;
        foreach (var exchange in _active.Values)
        {
            count += exchange.AreParamsComplete ? 0 : 1;
        }

        return count;
    }

    private TimeSpan GetTimeLeft(TimeSpan limit, long since)
    {
        var left = limit - clock.GetElapsed(since, clock.Timestamp);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
