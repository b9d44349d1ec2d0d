using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Attacks;
using Uwsgi.AspNetCore.FunctionalTests.Gateway;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.StaticFiles;

/// <summary>A server with files in front of an application that says what it was asked; each protocol, HTTP included, on one endpoint.</summary>
internal sealed class StaticSite : IAsyncDisposable
{
    private StaticSite(GatewayTestServer server) => Server = server;

    public GatewayTestServer Server { get; }

    /// <summary>Starts the server; the application answers "app: " and the request's line if none is given.</summary>
    public static async Task<StaticSite> StartAsync(
        Action<UwsgiOptions> configure, RequestDelegate? app = null, Action<WebApplicationBuilder>? host = null, Action<WebApplication>? pipeline = null) =>
        new(await GatewayTestServer.StartAsync(
            app ?? (context => context.Response.WriteAsync($"app: {context.Request.Method} {context.Request.Path}")),
            options =>
            {
                options.Protocol = null;
                options.Uwsgi = configure;
                options.Host = host;
                options.Pipeline = pipeline;
            }));

    public Task<RawResponse> GetAsync(Speaker speaker, string target, params (string Name, string Value)[] fields) =>
        SendAsync(speaker, "GET", target, fields);

    public async Task<RawResponse> SendAsync(Speaker speaker, string method, string target, params (string Name, string Value)[] fields)
    {
        var connection = await Server.ConnectAsync(Request(speaker, method, target, fields));
        return speaker.Answer(await connection.Client.ReadToEndAsync());
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private static byte[] Request(Speaker speaker, string method, string target, (string Name, string Value)[] fields)
    {
        if (speaker.Name == Speaker.Http.Name)
        {
            var lines = string.Concat(fields.Select(field => $"{field.Name}: {field.Value}\r\n"));
            return Encoding.Latin1.GetBytes($"{method} {target} HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n{lines}\r\n");
        }

        var protocol = Enum.Parse<GatewayProtocol>(speaker.Name);
        var packet = GatewayWire.Packet(protocol, method, target);
        foreach (var (name, value) in fields)
        {
            packet.Add("HTTP_" + name.ToUpperInvariant().Replace('-', '_'), value);
        }

        return GatewayWire.Request(protocol, packet);
    }
}
