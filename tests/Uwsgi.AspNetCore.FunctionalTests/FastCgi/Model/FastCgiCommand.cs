namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>What the web server's side may do next. A command that makes no sense in the state it meets is skipped.</summary>
internal abstract record FastCgiCommand
{
    /// <summary>Gets how many meaningless bytes follow each record of the command.</summary>
    public byte Padding { get; init; }
}

/// <summary>Opens a request; on an id in use the answer of the request before is awaited first.</summary>
internal sealed record BeginCommand(ushort Id, ushort Role, bool Keep, FastCgiBehaviour Behaviour, int BodyLength, bool IsAnnounced) : FastCgiCommand;

/// <summary>Sends some bytes of the parameters, cut anywhere.</summary>
internal sealed record ParamsCommand(ushort Id, int Count) : FastCgiCommand;

/// <summary>Sends the rest of the parameters and their end.</summary>
internal sealed record EndParamsCommand(ushort Id) : FastCgiCommand;

/// <summary>Ends the parameters in the middle of a pair.</summary>
internal sealed record CutParamsCommand(ushort Id) : FastCgiCommand;

/// <summary>Sends some bytes of the body.</summary>
internal sealed record StdinCommand(ushort Id, int Count) : FastCgiCommand;

/// <summary>Sends the rest of the body and its end.</summary>
internal sealed record EndStdinCommand(ushort Id) : FastCgiCommand;

/// <summary>Ends the body before its announced length.</summary>
internal sealed record CutStdinCommand(ushort Id) : FastCgiCommand;

/// <summary>Sends the rest of the body and bytes behind its announced length.</summary>
internal sealed record ExceedStdinCommand(ushort Id) : FastCgiCommand;

internal sealed record AbortCommand(ushort Id) : FastCgiCommand;

/// <summary>Reads the answer of a request that has everything it needs.</summary>
internal sealed record AwaitCommand(ushort Id) : FastCgiCommand;

internal sealed record GetValuesCommand : FastCgiCommand;

internal sealed record UnknownTypeCommand(byte Type) : FastCgiCommand;

/// <summary>A record for an id that no request has, or a type that only the application sends.</summary>
internal sealed record StrayCommand(byte Type, ushort Id, int Count) : FastCgiCommand;

/// <summary>Bytes that are no record: the first of them is not the version.</summary>
internal sealed record NoiseCommand(byte[] Bytes) : FastCgiCommand;

/// <summary>Breaks a rule behind which the framing cannot be trusted.</summary>
internal sealed record ViolateCommand(FastCgiViolation Violation, ushort Id) : FastCgiCommand;

internal enum FastCgiViolation
{
    Version,
    ManagementTypeWithId,
    RequestTypeWithoutId,
    ShortBegin,
    LongBegin,
    SecondBegin,
    StdinBeforeParamsEnd,
    ParamsBehindEnd,
    TruncatedGetValues,
}

/// <summary>How the web server's side leaves the connection.</summary>
internal enum FastCgiEnding
{
    /// <summary>Completes every request, reads every answer, then closes.</summary>
    Finish,

    /// <summary>Ends its sending side where it stands, and reads on.</summary>
    HalfClose,

    Close,

    Reset,
}
