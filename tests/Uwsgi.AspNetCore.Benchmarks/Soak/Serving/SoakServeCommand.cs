using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

/// <summary>The app under soak: every protocol on a unix socket and a TCP port of its own, and all of them on one.</summary>
/// <remarks>
/// It stops at SIGTERM, or when its standard input ends. A line <c>look</c> there is answered with its <see cref="InsideView"/>,
/// <c>collect</c> with the same after a full garbage collection: over a socket the question would be part of the answer.
/// </remarks>
internal static class SoakServeCommand
{
    public const string Ready = "ready";
    public const string View = "view ";
    public const string Look = "look";
    public const string Collect = "collect";

    private const int Backlog = 4096;

    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(50);

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var directory = options.Value("--directory") ?? throw new CommandException("--directory is missing");
        var addresses = new SoakAddresses(directory, options.Number("--port", 0));
        var transport = options.Value("--transport");
        options.ThrowIfAnyLeft();

        using var gauges = new Gauges();
        var pools = new CountedPools();
        var complaints = new Complaints();
        TaskScheduler.UnobservedTaskException += (_, e) => complaints.Add($"unobserved: {e.Exception}");

        var app = Build(addresses, transport, pools, complaints);
        new SoakEndpoints(complaints).Map(app);
        await app.StartAsync();

        InsideView LookInside() => new(
            GC.GetTotalMemory(forceFullCollection: false),
            Environment.WorkingSet,
            pools.Outstanding,
            pools.Misuses,
            gauges.Read(),
            complaints.Take());
        new Thread(() => Answer(LookInside, app.Lifetime)) { IsBackground = true }.Start();
        Console.WriteLine(Ready);

        await app.WaitForShutdownAsync();
        await DrainAsync(() => pools.Outstanding == 0 && gauges.Read().Values.All(count => count == 0));
        await app.DisposeAsync();
        Write(LookInside());
        return 0;
    }

    // A stop does not wait for requests that were taken from the app, but they do end: what is left only then is left behind.
    private static async Task DrainAsync(Func<bool> isDrained)
    {
        var started = Stopwatch.GetTimestamp();
        while (!isDrained() && Stopwatch.GetElapsedTime(started) < DrainTimeout)
        {
            await Task.Delay(DrainInterval);
        }
    }

    private static WebApplication Build(SoakAddresses addresses, string? transport, CountedPools pools, Complaints complaints)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(complaints);
        builder.Configuration.AddInMemoryCollection(Settings(addresses, transport));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = SoakServer.StopTimeout);
        builder.Services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>>(pools));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.ListenUnixSocket(addresses.Path(SoakAddresses.Http));
            kestrel.Listen(IPAddress.Loopback, addresses.Port(SoakAddresses.Http));
            kestrel.Limits.MinRequestBodyDataRate = kestrel.Limits.MinResponseDataRate = new MinDataRate(240, TimeSpan.FromSeconds(60));
        });
        builder.UseUwsgi(uwsgi => uwsgi.Backlog = Backlog);
        return builder.Build();
    }

    private static Dictionary<string, string?> Settings(SoakAddresses addresses, string? transport)
    {
        string Both(string name) => $"{addresses.Path(name)};127.0.0.1:{addresses.Port(name).ToString(CultureInfo.InvariantCulture)}";
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Uwsgi:Sockets"] = Both(SoakAddresses.Uwsgi),
            ["Uwsgi:FastCgiSockets"] = Both(SoakAddresses.FastCgi),
            ["Uwsgi:ScgiSockets"] = Both(SoakAddresses.Scgi),
            ["Uwsgi:AutoSockets"] = Both(SoakAddresses.Auto),
            ["Uwsgi:Stats"] = addresses.Stats,
            ["Uwsgi:StaticMap:/static"] = addresses.StaticFiles,
            // Long for everything but the endpoints that hang: on a loaded machine nothing else may meet it. The same goes for the other times.
            ["Uwsgi:Harakiri"] = "60",
            ["Uwsgi:Limits:DrainTimeout"] = "60",
            ["Uwsgi:Limits:StalledBodyTimeout"] = "60",
            ["Uwsgi:Limits:MinRequestBodyDataRate:BytesPerSecond"] = "240",
            ["Uwsgi:Limits:MinRequestBodyDataRate:GracePeriod"] = "60",
            ["Uwsgi:Limits:MinResponseDataRate:BytesPerSecond"] = "240",
            ["Uwsgi:Limits:MinResponseDataRate:GracePeriod"] = "60",
            ["Uwsgi:HarakiriGrace"] = SoakEndpoints.Grace.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            ["Uwsgi:HarakiriMaxStuck"] = "10000",
        };
        if (transport is not null)
        {
            settings["Uwsgi:Transport"] = transport == "sockets" ? "Sockets" : "EventLoop";
        }

        return settings;
    }

    private static void Answer(Func<InsideView> look, IHostApplicationLifetime lifetime)
    {
        while (Console.In.ReadLine() is { } question)
        {
            if (question == Collect)
            {
                // Twice: what the first one finalizes is freed by the second.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                GC.WaitForPendingFinalizers();
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }

            Write(look());
        }

        lifetime.StopApplication();
    }

    private static void Write(InsideView view) => Console.WriteLine(View + JsonSerializer.Serialize(view));
}
