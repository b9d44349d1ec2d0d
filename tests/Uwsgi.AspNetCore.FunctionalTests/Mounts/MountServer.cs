using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Uwsgi.AspNetCore.FunctionalTests.Attacks;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Mounts;

/// <summary>A server with named apps, each of which answers <c>name base|path</c>, and one endpoint for every protocol.</summary>
internal static class MountServer
{
    /// <summary>Every protocol, HTTP included.</summary>
    public static TheoryData<string> Doors => ["Uwsgi", "FastCgi", "Scgi", "Http"];

    /// <summary>The protocols of web servers, which send variables.</summary>
    public static TheoryData<string> GatewayDoors => ["Uwsgi", "FastCgi", "Scgi"];

    /// <summary>Starts a server whose default app answers as the others do, unless it has a pipeline of its own.</summary>
    public static Task<GatewayTestServer> StartAsync(
        Action<UwsgiOptions> uwsgi, string[] apps, Action<WebApplicationBuilder>? host = null, Action<WebApplication>? pipeline = null) =>
        GatewayTestServer.StartAsync(pipeline is null ? Answer("default") : null, options =>
        {
            options.Protocol = null;
            options.Uwsgi = uwsgi;
            options.Pipeline = pipeline;
            options.Host = builder =>
            {
                foreach (var app in apps)
                    builder.Services.AddUwsgiApp(app, branch => branch.Run(Answer(app)));
                host?.Invoke(builder);
            };
        });

    public static RequestDelegate Answer(string app) =>
        context => context.Response.WriteAsync($"{app} {context.Request.PathBase.Value}|{context.Request.Path.Value}");

    /// <summary>Asks over a protocol; variables are what a <c>uwsgi_param</c> line adds, or a header in the case of HTTP.</summary>
    public static async Task<RawResponse> AskAsync(
        this GatewayTestServer server, string door, string target, string host = "localhost", params (string Name, string Value)[] variables)
    {
        byte[] request;
        if (door == "Http")
        {
            var headers = string.Concat(variables.Select(variable => $"{variable.Name}: {variable.Value}\r\n"));

            // HTTP/1.0, so that the answer is not chunked.
            request = Encoding.Latin1.GetBytes($"GET {target} HTTP/1.0\r\nHost: {host}\r\n{headers}\r\n");
        }
        else
        {
            var protocol = Enum.Parse<GatewayProtocol>(door);
            var packet = GatewayWire.Packet(protocol, target: target).Set("HTTP_HOST", host);
            foreach (var (name, value) in variables)
                packet.Set(name, value);
            request = GatewayWire.Request(protocol, packet);
        }

        var connection = await server.ConnectAsync(request);
        var bytes = await connection.Client.ReadToEndAsync();
        return door == "FastCgi" ? FastCgiAnswer.Complete(bytes).Single().Response : RawResponse.Parse(bytes);
    }
}
