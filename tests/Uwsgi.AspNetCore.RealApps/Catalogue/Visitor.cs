namespace Uwsgi.AspNetCore.RealApps.Catalogue;

/// <summary>What the app knows about a request: where it came from and under which address the app is mounted.</summary>
public sealed record Visitor(
    string Scheme,
    string? Host,
    string? PathBase,
    string? Path,
    string? Address,
    string? ServerProtocol,
    string? FirstBook);
