using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Infrastructure;

public class GatewayTestServerTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("127.0.0.1:0")]
    public async Task It_serves_in_memory_and_on_a_socket(string? socket)
    {
        await using var server = await GatewayTestServer.StartAsync(
            context => context.Response.WriteAsync(context.Request.Path),
            options => options.Socket = socket);

        var response = await server.RequestAsync(UwsgiPacket.Nginx(target: "/hello"));

        Assert.Equal("/hello", response.Text);
    }

    [Fact]
    public async Task An_unexpected_error_fails_the_test()
    {
        var server = await GatewayTestServer.StartAsync(_ => throw new InvalidOperationException("Boom."));

        await server.RequestAsync(UwsgiPacket.Nginx());

        await Assert.ThrowsAsync<Xunit.Sdk.EmptyException>(async () => await server.DisposeAsync());
    }

    [Fact]
    public async Task A_missing_expected_error_fails_the_test()
    {
        var server = await GatewayTestServer.StartAsync(_ => Task.CompletedTask);

        server.ExpectError("ApplicationError");

        await Assert.ThrowsAsync<Xunit.Sdk.ContainsException>(async () => await server.DisposeAsync());
    }
}
