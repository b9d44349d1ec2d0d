using System.Collections.Concurrent;
using System.Collections.Frozen;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>The applications that a web server may name with uWSGI's variables. The names are a catalogue; nothing is ever loaded.</summary>
internal sealed class DynamicApps(FrozenDictionary<string, MountedApp> apps, ILogger logger)
{
    // Bounds what a web server that passes on client data in these variables can make us remember, and log.
    private const int MaxRememberedNames = 64;
    private const int MaxLoggedLength = 128;

    private readonly ConcurrentDictionary<string, bool> _unknown = new(StringComparer.Ordinal);

    /// <summary>Finds the application a request names; null for a name that nobody has added.</summary>
    /// <returns>False when the request names none.</returns>
    public bool TryFind(IServerVariablesFeature variables, out MountedApp? app)
    {
        // In uWSGI's order.
        var module = Get(variables, "UWSGI_SCRIPT") ?? Get(variables, "UWSGI_MODULE");
        var name = module ?? Get(variables, "UWSGI_FILE") ?? Get(variables, "UWSGI_APPID");
        if (name is null)
        {
            app = null;
            return false;
        }

        // The more exact name comes first: with apps "m" and "m:admin", the callable "admin" of "m" is not "m".
        if (module is not null && Get(variables, "UWSGI_CALLABLE") is { } callable && apps.TryGetValue($"{module}:{callable}", out app))
        {
            return true;
        }

        if (!apps.TryGetValue(name, out app))
        {
            NoteUnknown(name);
        }

        return true;
    }

    private static string? Get(IServerVariablesFeature variables, string name) => variables[name] is { Length: > 0 } value ? value : null;

    private void NoteUnknown(string name)
    {
        var shown = string.Create(Math.Min(name.Length, MaxLoggedLength), name, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
            {
                target[i] = char.IsControl(source[i]) ? '?' : source[i];
            }
        });
        if (_unknown.Count < MaxRememberedNames && _unknown.TryAdd(shown, true))
        {
            Log.UnknownApp(logger, shown, UwsgiApps.Describe(apps.Keys));
        }
        else
        {
            Log.UnknownAppAgain(logger, shown);
        }
    }
}
