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

    // A web server that opens a connection per request connects in bursts.
    private const int Backlog = 4096;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = new CommandLineOptions(arguments);
        var scenario = Scenario.Find(options.Value("--scenario") ?? "hello");
        var http = options.Value("--http");
        var uwsgi = options.Value("--uwsgi");
        var fastCgi = options.Value("--fastcgi");
        var scgi = options.Value("--scgi");
        var transport = options.Value("--transport") ?? nameof(UwsgiTransport.EventLoop);
        var operations = options.Value("--operations");
        options.ThrowIfAnyLeft();

        var builder = WebApplication.CreateBuilder();
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
                options.Transport = Enum.Parse<UwsgiTransport>(transport, ignoreCase: true);
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

        while (await Console.In.ReadLineAsync() is not null)
        {
        }

        await app.StopAsync();
        return 0;
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
