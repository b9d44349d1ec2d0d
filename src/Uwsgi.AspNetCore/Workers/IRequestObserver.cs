namespace Uwsgi.AspNetCore.Workers;

/// <summary>Looks at each request when its response is complete. Registered as a service.</summary>
internal interface IRequestObserver
{
    /// <summary>Gets whether the options ask for it; read once, at start.</summary>
    bool IsEnabled { get; }

    /// <summary>Called while the request is still in its core.</summary>
    void RequestEnded(Core core, TimeSpan elapsed);
}
