using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Benchmarks.Operations;

namespace Uwsgi.AspNetCore.Benchmarks;

/// <summary>The app under measurement: one scenario behind one door, in a process of its own until its standard input ends.</summary>
internal static class ServeCommand
{
    /// <summary>What the process prints before each address it listens on.</summary>
    public const string Listening = "listening ";

    /// <summary>A line on its standard input that asks for a garbage collection, and the answer when it is done.</summary>
    public const string Collect = "collect";

    /// <summary>A web server that opens a connection per request connects in bursts.</summary>
    public const int Backlog = 4096;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var scenario = Scenario.Find(options.Value("--scenario") ?? "hello");
        var http = options.Value("--http");
        var uwsgi = options.Value("--uwsgi");
        var fastCgi = options.Value("--fastcgi");
        var scgi = options.Value("--scgi");
        var operations = options.Value("--operations");
        var transport = Enum.Parse<UwsgiTransport>(options.Value("--transport") ?? nameof(UwsgiTransport.EventLoop), ignoreCase: true);
        var webRoot = options.Value("--web-root");
        options.ThrowIfAnyLeft();

        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { WebRootPath = webRoot });
        builder.Logging.ClearProviders();
        builder.Services.Configure<SocketTransportOptions>(transport => transport.Backlog = Backlog);
        if (http is not null)
        {
            builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, http));
        }

        if ((uwsgi ?? fastCgi ?? scgi) is not null)
        {
            builder.WebHost.UseUwsgi(options =>
            {
                Add(options.Sockets, uwsgi);
                Add(options.FastCgiSockets, fastCgi);
                Add(options.ScgiSockets, scgi);
                options.Backlog = Backlog;
                options.Transport = transport;
            });
        }

        if (operations is not null)
        {
            OperationSwitches.Add(builder, operations);
        }

        await using var app = builder.Build();
        scenario.Map(app);
        await app.StartAsync();
        foreach (var url in app.Urls)
        {
            Console.WriteLine(Listening + url);
        }

        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == Collect)
            {
                CollectGarbage();
                Console.WriteLine(Collect);
            }
        }

        await app.StopAsync();
        return 0;
    }

    private static void CollectGarbage()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private static void Add(IList<string> sockets, string? address)
    {
        if (address is not null)
        {
            sockets.Add(address);
        }
    }

    private static void Listen(Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions kestrel, string address)
    {
        if (address.StartsWith("unix:", StringComparison.Ordinal))
        {
            kestrel.ListenUnixSocket(address["unix:".Length..]);
        }
        else
        {
            kestrel.Listen(IPEndPoint.Parse(address));
        }
    }
}
