using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>Checks the addresses of the statistics.</summary>
internal sealed class StatsOptionsValidator : IValidateOptions<UwsgiOptions>
{
    public ValidateOptionsResult Validate(string? name, UwsgiOptions options)
    {
        if (options.Stats.Count == 0)
        {
            return ValidateOptionsResult.Success;
        }

        var errors = new List<string>();
        IList<string>[] requestSockets = [options.Sockets, options.FastCgiSockets, options.ScgiSockets, options.AutoSockets];
        HashSet<string> taken = [.. requestSockets.SelectMany(static sockets => sockets).Select(GetKey).OfType<string>()];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var socket in options.Stats)
        {
            if (GatewayAddress.TryParse(socket, out _) is { } error)
            {
                errors.Add($"Uwsgi:Stats: '{socket}' cannot be used: {error}.");
            }
            else if (GetKey(socket) is not { } key)
            {
                continue;
            }
            else if (taken.Contains(key))
            {
                errors.Add($"Uwsgi:Stats: '{socket}' is also a socket for requests; give the statistics one of their own.");
            }
            else if (!seen.Add(key))
            {
                errors.Add($"Uwsgi:Stats: '{socket}' is listed twice; remove one of them.");
            }
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    // Port 0 is another port each time.
    private static string? GetKey(string socket) =>
        GatewayAddress.TryParse(socket, out var endPoints) is null
        && endPoints[0].ToString() is { } key
        && !key.EndsWith(":0", StringComparison.Ordinal)
            ? key
            : null;
}
