namespace Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

/// <summary>How the server has ended a connection.</summary>
internal enum ConnectionEnd
{
    Open,
    Orderly,
    Reset,
}
