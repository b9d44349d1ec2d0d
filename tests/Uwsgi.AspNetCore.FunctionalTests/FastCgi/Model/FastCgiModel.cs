using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>
/// What a connection owes its web server. The model is pure: it turns commands into steps before anything is sent, leaving out those
/// that make no sense, and knows from the steps which answers are due, which are possible, and whether the connection survives.
/// </summary>
internal sealed class FastCgiModel
{
    private readonly Dictionary<ushort, FastCgiModelRequest> _latest = [];
    private readonly HashSet<FastCgiModelRequest> _awaited = [];
    private readonly int _firstNumber;
    private readonly bool _abortsOnHalfClose;

    public FastCgiModel(int firstNumber, IEnumerable<FastCgiCommand> commands, FastCgiEnding ending, bool abortsOnHalfClose)
    {
        _firstNumber = firstNumber;
        _abortsOnHalfClose = abortsOnHalfClose;
        Ending = ending;
        foreach (var command in commands)
        {
            if (IsFatal)
                break;
            Apply(command);
        }

        if (!IsFatal)
            Leave();
    }

    public FastCgiEnding Ending { get; }

    public List<FastCgiStep> Steps { get; } = [];

    public List<FastCgiModelRequest> Requests { get; } = [];

    /// <summary>Gets the types of the management records that are due, in order; for UNKNOWN_TYPE with the type it names.</summary>
    public List<(byte Type, byte Unknown)> Management { get; } = [];

    /// <summary>Gets how many of them are due even if the server closes the connection as early as it may.</summary>
    public int CertainManagement { get; private set; }

    /// <summary>Gets whether a rule was broken that ends the connection.</summary>
    public bool IsFatal { get; private set; }

    /// <summary>Gets whether the server may close the connection in order once its requests are over.</summary>
    public bool MayClose => Requests.Any(request => (!request.Keeps && request.IsDecided) || (request.AreParamsEnded && request.AreParamsCut));

    /// <summary>Gets whether the server has to close the connection when its requests are over.</summary>
    public bool MustClose => Requests.Any(request => !request.IsUncertain && !request.IsRefused && request.IsDecided
        && (!request.Keeps || (request.AreParamsCut && !request.IsAborted)));

    /// <summary>Gets whether the failure of one request may end the connection.</summary>
    public bool MayBreak => Requests.Any(request => request.MayBreakConnection);

    /// <summary>Gets whether a request's END_REQUEST has to come, as long as the connection is not aborted.</summary>
    public bool Owes(FastCgiModelRequest request) => !IsFatal && !request.IsUncertain && request.IsDecided
        && (Ending == FastCgiEnding.Finish || (Ending == FastCgiEnding.HalfClose && !_abortsOnHalfClose && (request.IsStdinEnded || !request.ReadsBody)));

    private FastCgiModelRequest? Find(ushort id) => _latest.GetValueOrDefault(id);

    private void Apply(FastCgiCommand command)
    {
        switch (command)
        {
            case BeginCommand begin:
                Begin(begin);
                break;
            case ParamsCommand(var id, var count) when Find(id) is { AreParamsEnded: false, IsAborted: false } request:
                SendParams(request, count, command.Padding);
                break;
            case EndParamsCommand(var id) when Find(id) is { AreParamsEnded: false, IsAborted: false } request:
                EndParams(request, command.Padding);
                break;
            case CutParamsCommand(var id) when Find(id) is { AreParamsEnded: false, IsAborted: false, ParamsSent: 0 } request:
                request.AreParamsEnded = request.AreParamsCut = true;
                Send($"CutParams {request}", Record(ParamsType, id, request.Params.AsSpan(0, request.Params.Length - 1), command.Padding), FastCgiBytes.End(ParamsType, id));
                break;
            case StdinCommand(var id, var count) when Find(id) is { AreParamsEnded: true, IsStdinEnded: false, IsAborted: false } request:
                SendStdin(request, count, command.Padding);
                break;
            case EndStdinCommand(var id) when Find(id) is { AreParamsEnded: true, IsStdinEnded: false, IsAborted: false } request:
                EndStdin(request, command.Padding);
                break;
            case CutStdinCommand(var id) when Find(id) is { AreParamsEnded: true, IsStdinEnded: false, IsAborted: false, IsAnnounced: true } request
                && request.BodySent < request.Body.Length:
                request.IsStdinEnded = request.IsStdinCut = true;
                Send($"CutStdin {request} behind {request.BodySent} bytes", Record(StdinType, id, [], command.Padding));
                break;
            case ExceedStdinCommand(var id) when Find(id) is { AreParamsEnded: true, IsStdinEnded: false, IsAborted: false, IsAnnounced: true, IsAuthorizer: false } request:
                SendStdin(request, int.MaxValue, command.Padding);
                request.IsExceeded = request.IsStdinEnded = true;
                Send($"ExceedStdin {request}", Record(StdinType, id, "more"u8, command.Padding), FastCgiBytes.End(StdinType, id));
                break;
            case AbortCommand(var id) when Find(id) is { IsAborted: false } request:
                Abort(request, command.Padding);
                break;
            case AwaitCommand(var id) when Find(id) is { IsDecided: true } request:
                Await(request);
                break;
            case GetValuesCommand:
                Manage(GetValuesResultType, 0, "GetValues", Record(GetValuesType, 0, [15, 0, .. "FCGI_MPXS_CONNS"u8], command.Padding));
                break;
            case UnknownTypeCommand(var type):
                Manage(UnknownTypeType, type, $"UnknownType {type}", Record(type, 0, "12345"u8, command.Padding));
                break;
            case StrayCommand(var type, var id, var count) when Find(id) is null || type is EndType or StdoutType or StderrType or 8:
                Send($"Stray type {type} id {id} length {count}", Record(type, id, new byte[count], command.Padding));
                break;
            case NoiseCommand(var bytes):
                IsFatal = true;
                Send($"Noise {Convert.ToHexString(bytes)}", bytes);
                break;
            case ViolateCommand(var violation, var id):
                Violate(violation, id);
                break;
        }
    }

    private void Begin(BeginCommand begin)
    {
        if (Find(begin.Id) is { } before)
        {
            // An id is free once its END_REQUEST has come. What the server has still to read of it must not be the next one's.
            if (!before.IsDecided || (!before.Keeps && !before.IsStdinEnded))
                return;
            Await(before);
        }

        var request = new FastCgiModelRequest(begin, _firstNumber + Requests.Count, isUncertain: MayClose);
        Requests.Add(request);
        _latest[begin.Id] = request;
        Send(
            $"Begin {request} role {begin.Role}, {(begin.Keep ? "keep" : "close")}, body {begin.BodyLength}{(begin.IsAnnounced ? "" : " unannounced")}",
            request,
            Record(BeginType, begin.Id, [0, (byte)begin.Role, (byte)(begin.Keep ? 1 : 0), 0, 0, 0, 0, 0], begin.Padding));
    }

    private void SendParams(FastCgiModelRequest request, int count, byte padding)
    {
        count = Math.Min(count, request.Params.Length - request.ParamsSent);
        if (count == 0)
            return;

        Send($"Params {request} {count} bytes", Record(ParamsType, request.Id, request.Params.AsSpan(request.ParamsSent, count), padding));
        request.ParamsSent += count;
    }

    private void EndParams(FastCgiModelRequest request, byte padding)
    {
        SendParams(request, int.MaxValue, padding);
        request.AreParamsEnded = true;
        Send($"EndParams {request}", Record(ParamsType, request.Id, [], padding));
    }

    private void SendStdin(FastCgiModelRequest request, int count, byte padding)
    {
        count = Math.Min(count, request.Body.Length - request.BodySent);
        if (count == 0)
            return;

        var part = request.Body.AsMemory(request.BodySent, count);
        request.BodySent += count;
        Send($"Stdin {request} {count} bytes", Stream(StdinType, request.Id, part, padding: padding));
    }

    private void EndStdin(FastCgiModelRequest request, byte padding)
    {
        SendStdin(request, int.MaxValue, padding);
        request.IsStdinEnded = true;
        Send($"EndStdin {request}", Record(StdinType, request.Id, [], padding));
    }

    private void Abort(FastCgiModelRequest request, byte padding)
    {
        request.IsAborted = true;
        request.IsStdinEnded = true;
        Send($"Abort {request}", Record(AbortType, request.Id, [], padding));
    }

    private void Await(FastCgiModelRequest request)
    {
        if (_awaited.Add(request))
            Steps.Add(new FastCgiStep($"Await {request}") { Awaited = request });
    }

    private void Manage(byte type, byte unknown, string description, byte[] record)
    {
        Management.Add((type, unknown));
        if (!MayClose)
            CertainManagement = Management.Count;
        Send(description, record);
    }

    private void Violate(FastCgiViolation violation, ushort id)
    {
        var request = Find(id);
        var isActive = request?.IsSurelyActive == true;
        var bytes = violation switch
        {
            FastCgiViolation.Version => Record(ParamsType, id, "x"u8, version: 2),
            FastCgiViolation.ManagementTypeWithId => Record(GetValuesType, id, []),
            FastCgiViolation.RequestTypeWithoutId => Record(StdinType, 0, "x"u8),
            FastCgiViolation.ShortBegin => Record(BeginType, 99, [0, 1, 0]),
            FastCgiViolation.LongBegin => Record(BeginType, 99, new byte[9]),
            FastCgiViolation.SecondBegin when isActive => FastCgiBytes.Begin(id),
            FastCgiViolation.StdinBeforeParamsEnd when isActive && !request!.AreParamsEnded => Record(StdinType, id, "x"u8),
            FastCgiViolation.ParamsBehindEnd when isActive && request!.AreParamsEnded => Record(ParamsType, id, "x"u8),
            FastCgiViolation.TruncatedGetValues => Record(GetValuesType, 0, [5, 0, 65]),
            _ => null,
        };
        if (bytes is null)
            return;

        IsFatal = true;
        Send($"Violate {violation} id {id}", bytes);
    }

    private void Leave()
    {
        if (Ending == FastCgiEnding.Finish)
        {
            foreach (var request in _latest.Values)
                Complete(request);
            foreach (var request in _latest.Values)
                Await(request);
        }
        else if (!_abortsOnHalfClose && Ending != FastCgiEnding.Reset)
        {
            // Only an abort reaches an application that does not look at its body.
            foreach (var request in _latest.Values.Where(request => request.Behaviour == FastCgiBehaviour.Wait && !request.IsAborted))
                Abort(request, 0);
        }
    }

    private void Complete(FastCgiModelRequest request)
    {
        if (request.IsAborted)
            return;
        if (!request.AreParamsEnded)
            EndParams(request, 0);
        if (!request.IsStdinEnded)
            EndStdin(request, 0);
        if (!request.IsDecided)
            Abort(request, 0);
    }

    private void Send(string description, params byte[][] records) => Send(description, null, records);

    private void Send(string description, FastCgiModelRequest? begun, params byte[][] records) =>
        Steps.Add(new FastCgiStep(description) { Begun = begun, Bytes = [.. records.SelectMany(record => record)] });
}

/// <summary>Something to do: bytes to send, or an answer to read.</summary>
internal sealed record FastCgiStep(string Description)
{
    public byte[] Bytes { get; init; } = [];

    public FastCgiModelRequest? Begun { get; init; }

    public FastCgiModelRequest? Awaited { get; init; }

    public override string ToString() => Description;
}
