using System.Net;
using Uwsgi.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>Finds the mount of a host and a path, or the one that a web server names.</summary>
internal sealed class MountTable
{
    private readonly Dictionary<MountKey, int> _keys = [];
    private readonly Dictionary<string, Site>.AlternateLookup<ReadOnlySpan<char>> _sites;
    private readonly Site _anyHost;

    /// <summary>Creates the table; the order of the keys numbers the mounts.</summary>
    public MountTable(IEnumerable<MountKey> keys)
    {
        foreach (var key in keys)
        {
            _keys.Add(key, _keys.Count);
        }

        _anyHost = new Site(_keys.Where(static mount => mount.Key is { Name: null, Host: "" }));
        _sites = _keys
            .Where(static mount => mount.Key is { Name: null, Host: not "" })
            .GroupBy(static mount => mount.Key.Host, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(static host => host.Key, static host => new Site(host), StringComparer.OrdinalIgnoreCase)
            .GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Finds the mount whose key a web server has sent; -1 when there is none.</summary>
    public int Find(string? key)
    {
        if (string.IsNullOrEmpty(key))
        {
            return -1;
        }

        if (_keys.TryGetValue(new MountKey(key, string.Empty, string.Empty), out var index))
        {
            return index;
        }

        // Often a variable of the web server's, $http_host for instance, so it may have a port.
        var (head, path) = MountKey.Split(key);
        var host = head.Length == 0 ? head : MountKey.NormalizeHost(GetHost(head).ToString());
        return host is not null && _keys.TryGetValue(new MountKey(null, host, path.TrimEnd('/')), out index) ? index : -1;
    }

    /// <summary>Finds the mount that a request belongs to. What is mounted on its host comes before what is mounted on any.</summary>
    /// <param name="host">The Host header.</param>
    /// <param name="pathBase">What has been taken off the path already.</param>
    /// <param name="path">The rest of the path, decoded.</param>
    /// <param name="isBaseSent">Whether the path base is a SCRIPT_NAME, and with that a part of the path that mounts are compared with.</param>
    public MountMatch? Match(string? host, string pathBase, string path, bool isBaseSent) =>
        (_sites.Dictionary.Count > 0 && host is not null && TryGetSite(host, out var site) ? site.Match(pathBase, path, isBaseSent) : null)
        ?? _anyHost.Match(pathBase, path, isBaseSent);

    // Without port, and without the dot that may end a full name.
    private static ReadOnlySpan<char> GetHost(ReadOnlySpan<char> host)
    {
        var port = host.LastIndexOf(':');
        if (port >= 0 && port > host.LastIndexOf(']'))
        {
            host = host[..port];
        }

        return host is [.., '.'] ? host[..^1] : host;
    }

    private bool TryGetSite(ReadOnlySpan<char> hostAndPort, out Site site)
    {
        var host = GetHost(hostAndPort);

        // An IPv6 address can be written in many ways.
        return host is ['[', .. var address, ']'] && IPAddress.TryParse(address, out var ip)
            ? _sites.TryGetValue($"[{ip}]", out site!)
            : _sites.TryGetValue(host, out site!);
    }

    /// <summary>The mounts of one host, or of any.</summary>
    private sealed class Site
    {
        private readonly (string Path, int Index)[] _mounts;
        private readonly MountMatch? _root;

        public Site(IEnumerable<KeyValuePair<MountKey, int>> mounts)
        {
            var all = mounts.Select(static mount => (mount.Key.Path, mount.Value)).ToLookup(static mount => mount.Path.Length > 0);
            _mounts = [.. all[true].OrderByDescending(static mount => mount.Path.Length)];
            _root = all[false].Select(static mount => new MountMatch(mount.Value, 0)).Cast<MountMatch?>().SingleOrDefault();
        }

        public MountMatch? Match(string pathBase, string path, bool isBaseSent)
        {
            if (pathBase.Length == 0)
            {
                return Find(path) ?? _root;
            }

            return (isBaseSent
                ? FindBelowBase(pathBase, path) ?? Find(path)
                : Find(path) ?? FindBelowBase(pathBase, path)) ?? _root;
        }

        private MountMatch? FindBelowBase(string pathBase, string path) =>
            Find(pathBase + path) is { } match ? match with { Length = Math.Max(0, match.Length - pathBase.Length) } : null;

        private MountMatch? Find(string path)
        {
            // The first is the longest.
            foreach (var (mount, index) in _mounts)
            {
                if (RequestPath.StartsWithSegments(path, mount))
                {
                    return new MountMatch(index, mount.Length);
                }
            }

            return null;
        }
    }
}
