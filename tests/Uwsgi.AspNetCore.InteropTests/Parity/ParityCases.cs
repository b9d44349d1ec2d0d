using Uwsgi.AspNetCore.InteropTests.Parity.Cases;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>All cases, by subject.</summary>
internal static class ParityCases
{
    public static IReadOnlyList<ParityCase> All { get; } =
    [
        .. MethodCases.All,
        .. TargetCases.All,
        .. HeaderCases.All,
        .. BodyCases.All,
        .. FormCases.All,
        .. ResponseCases.All,
        .. WritingCases.All,
        .. FileCases.All,
        .. ErrorCases.All,
        .. MiddlewareCases.All,
        .. SecurityCases.All,
        .. StreamingCases.All,
        .. AbortCases.All,
        .. WebSocketCases.All,
    ];

    /// <summary>Gets the cases that depend on how bytes travel: long, slow, broken off and tunnelled ones.</summary>
    public static IEnumerable<ParityCase> OfTransport =>
    [
        .. BodyCases.All,
        .. WritingCases.All,
        .. ErrorCases.All,
        .. StreamingCases.All,
        .. AbortCases.All,
        .. WebSocketCases.All,
    ];

    /// <summary>Names the cases which make sense for a door.</summary>
    public static TheoryData<string> NamesFor(Capabilities offers) =>
        [.. All.Where(parityCase => offers.HasFlag(parityCase.Needs)).Select(parityCase => parityCase.Name)];
}
