using System.Collections;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Uwsgi.AspNetCore.Stats;

namespace Uwsgi.AspNetCore.Hosting;

/// <summary>The inner server's addresses, as the host and applications see them: gateway endpoints by their own schemes, and the
/// sockets of the statistics, which the inner server does not know.</summary>
/// <remarks>A view and no copy: the host fills the collection before the start and reads the very same one afterwards.</remarks>
internal sealed class GatewayServerAddresses(IServerAddressesFeature inner, StatsServer stats) : IServerAddressesFeature, ICollection<string>
{
    public ICollection<string> Addresses => this;

    public bool PreferHostingUrls { get => inner.PreferHostingUrls; set => inner.PreferHostingUrls = value; }

    public int Count => inner.Addresses.Count + stats.Bound.Count();

    public bool IsReadOnly => inner.Addresses.IsReadOnly;

    public void Add(string item) => inner.Addresses.Add(item);

    public void Clear() => inner.Addresses.Clear();

    public bool Contains(string item) => this.AsEnumerable().Contains(item, StringComparer.Ordinal);

    // Not through LINQ, whose ToArray would call this again.
    public void CopyTo(string[] array, int arrayIndex)
    {
        foreach (var address in this)
        {
            array[arrayIndex++] = address;
        }
    }

    public bool Remove(string item) => inner.Addresses.Remove(item);

    public IEnumerator<string> GetEnumerator() =>
        inner.Addresses.Select(ServerAddresses.ToTrueScheme).Concat(stats.Bound.Select(static endPoint => endPoint.Url)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
