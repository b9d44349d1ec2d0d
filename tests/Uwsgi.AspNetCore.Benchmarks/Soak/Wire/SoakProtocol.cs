namespace Uwsgi.AspNetCore.Benchmarks.Soak.Wire;

/// <summary>What a door of the app speaks.</summary>
internal enum SoakProtocol
{
    Uwsgi,
    FastCgi,
    Scgi,
    Http,
}
