using Uwsgi.AspNetCore.Workers;

namespace Microsoft.AspNetCore.Http;

/// <summary>Adds values of the application's own to the request log.</summary>
public static class UwsgiRequestLogHttpContextExtensions
{
    /// <summary>Sets a value for the request's line in the log, which shows it where <c>LogFormat</c> has <c>%(name)</c>.</summary>
    /// <param name="context">The request.</param>
    /// <param name="name">The name, which is none of uWSGI's own variables. Compared by case.</param>
    /// <param name="value">The value; whatever could disturb the log is escaped. A later one replaces it.</param>
    /// <remarks>
    /// Does nothing where requests are not logged. A line without the value shows a hyphen. uWSGI's function is <c>set_logvar</c>.
    /// </remarks>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    /// <exception cref="ArgumentNullException">An argument is <see langword="null"/>.</exception>
    public static void SetLogVariable(this HttpContext context, string name, string value)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(value);
        Core.Of(context)?.SetLogVariable(name, value);
    }
}
