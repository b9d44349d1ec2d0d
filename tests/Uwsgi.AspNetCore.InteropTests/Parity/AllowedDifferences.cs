namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>
/// The differences between nginx's <c>proxy_pass</c> to Kestrel's HTTP endpoint and a gateway protocol to ours that are right.
/// An entry whose example no longer shows the difference fails a test.
/// </summary>
internal static class AllowedDifferences
{
    public static IReadOnlyList<AllowedDifference> All { get; } =
    [
        new("App.RemotePort", "method GET", "Behind proxy_pass the app sees nginx's own connection, behind a gateway protocol the client's.", _ => true),
    ];
}
