namespace Uwsgi.AspNetCore.Workers;

/// <summary>Marks a service, or the metadata of an endpoint, that needs requests to be in cores.</summary>
internal interface IWatchesRequests;
