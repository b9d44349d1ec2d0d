using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>The time limit that the metadata of an endpoint gives to its requests.</summary>
internal interface IHarakiriMetadata : IWatchesRequests
{
    /// <summary>Gets the limit; <see langword="null"/> for none.</summary>
    TimeSpan? Timeout { get; }
}
