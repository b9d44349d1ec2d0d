namespace Uwsgi.AspNetCore.Hosting;

/// <summary>Where the server puts the application for the connection middleware to find; one per container.</summary>
internal sealed class GatewayApplicationSlot
{
    /// <summary>Gets or sets the application; <see langword="null"/> until the server is started.</summary>
    public GatewayApplication? Application { get; set; }
}
