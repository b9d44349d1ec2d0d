using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Transport;

namespace Uwsgi.AspNetCore.Configuration;

/// <summary>Checks the options at start. Every mistake is reported, each with its key, its value and what would be right.</summary>
internal sealed class UwsgiOptionsValidator : IValidateOptions<UwsgiOptions>
{
    private const int SmallestBuffer = 256;
    private const int LargestBuffer = 16 * 1024 * 1024;

    public ValidateOptionsResult Validate(string? name, UwsgiOptions options)
    {
        var errors = new List<string>(options.ConfigurationErrors);
        CheckSockets(options, errors);
        CheckRequests(options, errors);
        CheckLimits(options.Limits, errors);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void CheckSockets(UwsgiOptions options, List<string> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        CheckList(nameof(options.Sockets), options.Sockets);
        CheckList(nameof(options.FastCgiSockets), options.FastCgiSockets);
        CheckList(nameof(options.ScgiSockets), options.ScgiSockets);
        CheckList(nameof(options.AutoSockets), options.AutoSockets);

        void CheckList(string key, IList<string> sockets)
        {
            foreach (var socket in sockets)
            {
                if (GatewayAddress.TryParse(socket, out var endPoints) is { } error)
                {
                    errors.Add($"Uwsgi:{key}: '{socket}' cannot be used: {error}.");
                }
                else if (!endPoints[0].ToString()!.EndsWith(":0", StringComparison.Ordinal) && !seen.Add(endPoints[0].ToString()!))
                {
                    errors.Add($"Uwsgi:{key}: '{socket}' is listed twice; remove one of them.");
                }
            }
        }

        foreach (var peer in options.AllowFrom)
        {
            if (!AllowedPeers.TryParse(peer, out _))
            {
                errors.Add($"Uwsgi:AllowFrom: '{peer}' is neither an IP address nor a CIDR range such as 10.0.0.0/8.");
            }
        }

        if (options.SocketMode is { } mode && !UnixSocketFile.IsMode(mode))
        {
            errors.Add($"Uwsgi:SocketMode: '{mode}' is not an octal mode of three or four digits such as 660.");
        }

        CheckAccount(nameof(options.SocketOwner), options.SocketOwner);
        CheckAccount(nameof(options.SocketGroup), options.SocketGroup);
        if (options.Backlog < 1)
        {
            errors.Add($"Uwsgi:Backlog: {options.Backlog} must be 1 or more.");
        }

        if (!Enum.IsDefined(options.Transport))
        {
            errors.Add($"Uwsgi:Transport: {options.Transport} must be EventLoop or Sockets.");
        }

        void CheckAccount(string key, string? account)
        {
            if (account is not null && string.IsNullOrWhiteSpace(account))
            {
                errors.Add($"Uwsgi:{key}: '{account}' must be a name or a number, or unset.");
            }
        }
    }

    private static void CheckRequests(UwsgiOptions options, List<string> errors)
    {
        if (options.BufferSize is < SmallestBuffer or > LargestBuffer)
        {
            errors.Add($"Uwsgi:BufferSize: {options.BufferSize} must be between {SmallestBuffer} and {LargestBuffer}.");
        }

        if (!Enum.IsDefined(options.ScriptName))
        {
            errors.Add($"Uwsgi:ScriptName: {options.ScriptName} must be Auto, Trust or Ignore.");
        }

        if (options.PathBase is { } pathBase && (!pathBase.StartsWith('/') || pathBase.EndsWith('/')))
        {
            errors.Add($"Uwsgi:PathBase: '{pathBase}' must start with a slash and not end with one, such as /app1.");
        }
        else if (options.PathBase is { } path && (path.Contains("//", StringComparison.Ordinal) || path.AsSpan().ContainsAny('?', '#')))
        {
            errors.Add($"Uwsgi:PathBase: '{path}' must be a path alone: no empty segment, no question mark, no hash, such as /app1.");
        }

        foreach (var modifier in options.Modifiers)
        {
            if (modifier is < 0 or > 255 or Protocols.Uwsgi.UwsgiPacket.PingModifier)
            {
                errors.Add($"Uwsgi:Modifiers: {modifier} must be between 0 and 255, and not 100, which is a ping.");
            }
        }
    }

    private static void CheckLimits(UwsgiLimits limits, List<string> errors)
    {
        NotNegative(nameof(limits.MaxRequestBodySize), limits.MaxRequestBodySize);
        NotNegative(nameof(limits.MaxDrainBytes), limits.MaxDrainBytes);
        NotNegative(nameof(limits.MaxConcurrentUpgradedConnections), limits.MaxConcurrentUpgradedConnections);
        if (limits.MaxConcurrentConnections is < 1)
        {
            errors.Add($"Uwsgi:Limits:MaxConcurrentConnections: {limits.MaxConcurrentConnections} must be 1 or more, or unset for no limit.");
        }

        AtLeastOne(nameof(limits.MaxRequestsPerConnection), limits.MaxRequestsPerConnection);
        AtLeastOne(nameof(limits.MaxHalfOpenRequests), limits.MaxHalfOpenRequests);
        AtLeastOne(nameof(limits.MaxRequestHeaderCount), limits.MaxRequestHeaderCount);
        Positive(nameof(limits.KeepAliveTimeout), limits.KeepAliveTimeout);
        Positive(nameof(limits.RequestHeadersTimeout), limits.RequestHeadersTimeout);
        Positive(nameof(limits.RequestBodyTimeout), limits.RequestBodyTimeout);
        Positive(nameof(limits.StalledBodyTimeout), limits.StalledBodyTimeout);
        if (limits.DrainTimeout < TimeSpan.Zero)
        {
            errors.Add($"Uwsgi:Limits:DrainTimeout: {limits.DrainTimeout} must be zero or more.");
        }

        void NotNegative(string key, long? value)
        {
            if (value is < 0)
            {
                errors.Add($"Uwsgi:Limits:{key}: {value} must be zero or more, or unset for no limit.");
            }
        }

        void AtLeastOne(string key, int value)
        {
            if (value < 1)
            {
                errors.Add($"Uwsgi:Limits:{key}: {value} must be 1 or more.");
            }
        }

        void Positive(string key, TimeSpan value)
        {
            if (value <= TimeSpan.Zero)
            {
                errors.Add($"Uwsgi:Limits:{key}: {value} must be more than zero.");
            }
        }
    }
}
