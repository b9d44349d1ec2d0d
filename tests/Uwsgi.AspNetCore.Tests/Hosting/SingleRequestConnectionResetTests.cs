using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Diagnostics;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Tests.Http;

namespace Uwsgi.AspNetCore.Tests.Hosting;

/// <summary>A pooled connection object must not carry anything of one connection into the next; see <see cref="GatewayRequestResetTests"/>.</summary>
public sealed class SingleRequestConnectionResetTests : IDisposable
{
    private static readonly Dictionary<string, string> Survivors = new()
    {
        ["SingleRequestConnection._services"] = PooledFields.Given,
        ["SingleRequestConnection._settings"] = PooledFields.Given,
        ["SingleRequestConnection._application"] = PooledFields.Given,
        ["SingleRequestConnection._pool"] = PooledFields.Given,
        ["SingleRequestConnection._timeouts"] = PooledFields.Given,
    };

    private readonly ServiceProvider _metrics = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void Reset_EveryFieldFilled_LeavesNoneOfIt()
    {
        using var clock = new TimeoutClock(TimeProvider.System);
        var connection = NewConnection(clock);
        PooledFields.Fill(connection, Survivors);

        connection.Reset();

        Assert.Empty(PooledFields.Differences(connection, NewConnection(clock), Survivors));
    }

    [Fact]
    public void Survivors_AllExist() =>
        Assert.Empty(Survivors.Keys.Except(PooledFields.AllFields(typeof(SingleRequestConnection)).Select(PooledFields.FullName)));

    private SingleRequestConnection NewConnection(TimeoutClock clock)
    {
        var upgrades = new UpgradedConnections();
        var services = new GatewayServices(
            Options.Create(new UwsgiOptions()),
            Options.Create(new KestrelServerOptions()),
            new GatewayMetrics(_metrics.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), upgrades),
            upgrades,
            clock,
            NullLoggerFactory.Instance);
        return new SingleRequestConnection(services, new NoApplication(), new Pool<SingleRequestConnection>(1));
    }

    private sealed class NoApplication : GatewayApplication
    {
        public override GatewayRequest Rent() => throw new NotSupportedException();

        public override void Return(GatewayRequest request, bool reuse, RequestFacades? facades = null) => throw new NotSupportedException();

        public override Task ProcessAsync(GatewayRequest request) => throw new NotSupportedException();
    }
}
