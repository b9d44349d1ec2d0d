namespace Uwsgi.AspNetCore;

/// <summary>What is served at a mount point.</summary>
/// <remarks>In configuration a mount is the application's name, or <c>{ "App": "shop", "Harakiri": 10 }</c>.</remarks>
/// <param name="app">The name of an application of <c>AddUwsgiApp</c>.</param>
public sealed class UwsgiMount(string app)
{
    /// <summary>Gets the name of the application.</summary>
    public string App { get; } = app;

    /// <summary>Gets the time limit of the requests of this mount.</summary>
    /// <value>More than zero; <see langword="null"/>, the default, leaves <see cref="UwsgiOptions.Harakiri"/>.</value>
    public TimeSpan? Harakiri { get; init; }

    /// <summary>Lets the name of an application stand for a mount without settings of its own.</summary>
    /// <param name="app">The name of an application of <c>AddUwsgiApp</c>.</param>
    public static implicit operator UwsgiMount(string app) => FromString(app);

    /// <summary>Creates a mount without settings of its own.</summary>
    /// <param name="app">The name of an application of <c>AddUwsgiApp</c>.</param>
    /// <returns>The mount.</returns>
    public static UwsgiMount FromString(string app) => new(app);
}
