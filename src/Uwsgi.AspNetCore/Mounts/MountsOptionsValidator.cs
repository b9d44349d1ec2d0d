using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Configuration;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>Checks at start that every mount has a key of its own and names an application that there is.</summary>
internal sealed class MountsOptionsValidator(IEnumerable<UwsgiApp> apps) : IValidateOptions<UwsgiOptions>
{
    private readonly string[] _names = [.. apps.Select(static app => app.Name)];

    public ValidateOptionsResult Validate(string? name, UwsgiOptions options)
    {
        var errors = new List<string>();
        var seen = new Dictionary<MountKey, string>();
        foreach (var (key, mount) in options.Mounts)
        {
            if (MountKey.TryParse(key, out var parsed) is { } error)
            {
                errors.Add($"Uwsgi:Mounts: '{key}' {error}.");
            }
            else if (!seen.TryAdd(parsed, key))
            {
                errors.Add($"Uwsgi:Mounts: '{key}' means the same as '{seen[parsed]}'; remove one of them.");
            }

            if (mount is null || !_names.Contains(mount.App))
            {
                errors.Add($"Uwsgi:Mounts:{key}: '{mount?.App}' is no app; {Suggest(mount?.App ?? string.Empty)}.");
            }

            if (mount?.Harakiri <= TimeSpan.Zero)
            {
                errors.Add($"Uwsgi:Mounts:{key}:Harakiri: '{mount.Harakiri}' must be more than zero, or unset for the limit of Uwsgi:Harakiri.");
            }
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private string Suggest(string name) => _names.Length == 0
        ? "add it with services.AddUwsgiApp(name, branch => ...)"
        : $"AddUwsgiApp has added {UwsgiApps.Describe(_names)}, of which '{_names.MinBy(known => EditDistance.Between(known, name))}' is the nearest";
}
