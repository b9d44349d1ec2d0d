using Uwsgi.AspNetCore.Protocols.FastCgi;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>
/// The requests of one connection: which ids are taken, how many requests run, and what follows for the connection: how long it may
/// wait for input, and whether it may close.
/// </summary>
/// <remarks>
/// The read loop adds requests; whoever sends END_REQUEST removes them. An id is free again as soon as its END_REQUEST is written, and
/// the request may run on for a while, so the two are counted apart. What both sides change is under one lock, in which no code of the
/// application runs. Half-open requests concern the read loop only.
/// </remarks>
/// <param name="settings">The limits.</param>
/// <param name="clock">The clock that measures them.</param>
/// <param name="waited">How long the web server had taken to say that it speaks FastCGI.</param>
internal sealed class FastCgiRequestTable(GatewaySettings settings, TimeoutClock clock, TimeSpan waited)
{
    private readonly Lock _lock = new();
    private FastCgiExchange? _first;
    private Dictionary<ushort, FastCgiExchange>? _others;
    private TaskCompletionSource? _finished;
    private FastCgiExchange? _spare;
    private FastCgiExchange? _last;
    private int _unfinished;
    private int _halfOpen;
    private uint _count;
    private bool _isWaitingWithoutLimit;
    private bool _hasServed;
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
            if (!_isClosing)
            {
                return false;
            }

            lock (_lock)
            {
                return IsIdle && _drainedId == 0;
            }
        }
    }

    // A request is counted until nothing of it is left, which is behind its end on the wire.
    private bool IsIdle => _unfinished == 0;

    private int ActiveCount => (_first is null ? 0 : 1) + (_others?.Count ?? 0);

    private IEnumerable<FastCgiExchange> Active
    {
        get
        {
            if (_first is not null)
            {
                yield return _first;
            }

            foreach (var exchange in _others?.Values ?? Enumerable.Empty<FastCgiExchange>())
            {
                yield return exchange;
            }
        }
    }

    /// <summary>Finds the request whose id is in use; for the read loop.</summary>
    public FastCgiExchange? Find(ushort requestId)
    {
        // Requests are added by the read loop only, so for the last one it needs no lock: an object that has ended begins nowhere else.
        if (_last is { HasEnded: false } last && last.RequestId == requestId)
        {
            return last;
        }

        if (!_wasShared)
        {
            return null;
        }

        lock (_lock)
        {
            return _first?.RequestId == requestId ? _first : _others?.GetValueOrDefault(requestId);
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
            if (exchange.HasEnded ? ActiveCount > 0 || _unfinished > 1 : !IsAloneLocked(exchange))
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

    /// <summary>
    /// Gets whether the web server sends one request after another, so that nothing waits while one runs on the read loop itself: the
    /// connection is for one request, or the web server has used an id again, which those that multiplex do not. For the read loop, on whose
    /// thread alone the number of requests grows.
    /// </summary>
    public bool MayRunInline(FastCgiExchange exchange) =>
        Volatile.Read(ref _unfinished) == 1 && exchange.IsStdinEnded && (_hasReusedId || !exchange.KeepsConnection);

    /// <summary>Adds a request; the caller has made sure that its id is free.</summary>
    /// <returns>Null when it cannot be taken, and why.</returns>
    public FastCgiExchange? TryAdd(
        ushort requestId, FastCgiRole role, bool keepsConnection, FastCgiConnection owner, out FastCgiProtocolStatus refusal)
    {
        refusal = FastCgiProtocolStatus.UnknownRole;
        if (role is not (FastCgiRole.Responder or FastCgiRole.Authorizer))
        {
            return null;
        }

        var now = clock.Timestamp;
        lock (_lock)
        {
            var isShared = ActiveCount > 0;
            if (isShared && !settings.MultiplexFastCgi)
            {
                refusal = FastCgiProtocolStatus.CantMpxConn;
                return null;
            }

            if (_isClosing || _unfinished >= settings.MaxRequestsPerConnection || _halfOpen >= settings.MaxHalfOpenRequests)
            {
                refusal = FastCgiProtocolStatus.Overloaded;
                return null;
            }

            var exchange = _spare ?? new FastCgiExchange(owner);
            _spare = null;
            _wasShared |= isShared;
            _hasReusedId |= requestId == _lastId;
            _lastId = requestId;
            exchange.Begin(++_count, requestId, role, keepsConnection, now);
            if (_first is null)
            {
                _first = exchange;
            }
            else
            {
                (_others ??= []).Add(requestId, exchange);
            }

            _last = exchange;
            _halfOpen++;
            _unfinished++;
            return exchange;
        }
    }

    /// <summary>Takes note that a request's PARAMS are complete; for the read loop.</summary>
    public void NoteParamsComplete(FastCgiExchange exchange)
    {
        exchange.AreParamsComplete = true;
        _halfOpen--;
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

            // In this order, and in one step: a request that has ended may be finished, and its object serve another one.
            exchange.AbortByPeer();
            EndLocked(exchange, hasMoreInput);
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
            if (ActiveCount == 0)
            {
                _isClosing = true;
                StartDraining(requestId);
            }
        }
    }

    /// <summary>Takes note that nothing of a request is left.</summary>
    /// <param name="exchange">The request's exchange.</param>
    /// <param name="reuse">Whether it may serve the next request: those that follow one another need no other.</param>
    /// <returns>Whether the read loop has to be woken: nothing bounds its wait, or it may close.</returns>
    public bool Finish(FastCgiExchange exchange, bool reuse)
    {
        var now = clock.Timestamp;
        lock (_lock)
        {
            _hasServed = true;
            _isClosing |= !exchange.KeepsConnection;
            if (reuse)
            {
                _spare ??= exchange;
            }

            _unfinished--;
            if (!IsIdle)
            {
                return false;
            }

            _idleSince = now;
            _finished?.TrySetResult();

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
        // The usual answer behind a read that has brought a whole request. Half-open requests come and go on the read loop only.
        if (_halfOpen == 0 && Volatile.Read(ref _unfinished) > 0)
        {
            return null;
        }

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
            return IsIdle ? null : [.. Active.Where(exchange =>
                !exchange.AreParamsComplete && GetTimeLeft(settings.RequestHeadersTimeout, exchange.Started) == TimeSpan.Zero)];
        }
    }

    /// <summary>Gets the requests that are left when nothing is read any more.</summary>
    /// <param name="isLost">Whether nothing can be sent either, so that their applications need not go on.</param>
    public FastCgiExchange[] Seal(bool isLost)
    {
        lock (_lock)
        {
            if (isLost)
            {
                foreach (var exchange in Active)
                {
                    exchange.AbortByPeer();
                }
            }

            return [.. Active];
        }
    }

    /// <summary>Waits until every request is through.</summary>
    public Task WaitForAllAsync()
    {
        lock (_lock)
        {
            return IsIdle
                ? Task.CompletedTask
                : (_finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private bool IsAloneLocked(FastCgiExchange exchange) => ActiveCount == 1 && !exchange.HasEnded;

    private TimeSpan? GetReadTimeoutLocked()
    {
        if (IsIdle)
        {
            var limit = _drainedId != 0 ? settings.DrainTimeout : _hasServed ? settings.KeepAliveTimeout : settings.RequestHeadersTimeout - waited;
            return GetTimeLeft(limit, _idleSince);
        }

        if (_halfOpen == 0)
        {
            return null;
        }

        TimeSpan? shortest = null;
        foreach (var exchange in Active)
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
        if (!exchange.AreParamsComplete)
        {
            _halfOpen--;
        }

        if (_first == exchange)
        {
            _first = null;
        }
        else
        {
            _others!.Remove(exchange.RequestId);
        }

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

    private TimeSpan GetTimeLeft(TimeSpan limit, long since)
    {
        var left = limit - clock.GetElapsed(since, clock.Timestamp);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
