using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Responses;

[Trait("Rule", "47")]
[Trait("Item", "106")]
public sealed class SendFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("uwsgi-sendfile-").FullName;
    private readonly string _file;

    public SendFileTests()
    {
        _file = Path.Combine(_directory, "digits.txt");
        File.WriteAllText(_file, string.Concat(Enumerable.Repeat("0123456789", 20_000)));
    }

    [Theory]
    [InlineData(0, null, 200_000)]
    [InlineData(0, 10L, 10)]
    [InlineData(199_995, null, 5)]
    [InlineData(3, 100_000L, 100_000)]
    [InlineData(5, 0L, 0)]
    public async Task A_range_of_a_file_is_sent(long offset, long? count, int expected)
    {
        await using var server = await GatewayTestServer.StartAsync(context =>
        {
            context.Response.ContentLength = expected;
            return context.Response.SendFileAsync(_file, offset, count);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        var all = await File.ReadAllBytesAsync(_file);
        Assert.Equal(all.AsSpan((int)offset, expected).ToArray(), response.Body);
    }

    [Theory]
    [InlineData(-1, null)]
    [InlineData(200_001, null)]
    [InlineData(0, -1L)]
    [InlineData(0, 200_001L)]
    [InlineData(199_999, 2L)]
    public async Task A_range_outside_the_file_is_refused_before_the_start(long offset, long? count)
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => context.Response.SendFileAsync(_file, offset, count));
            Assert.False(context.Response.HasStarted);
            context.Response.StatusCode = 416;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(416, response.StatusCode);
    }

    [Fact]
    public async Task A_missing_file_is_refused_before_the_start()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await Assert.ThrowsAsync<FileNotFoundException>(() => context.Response.SendFileAsync(Path.Combine(_directory, "missing")));
            Assert.False(context.Response.HasStarted);
            context.Response.StatusCode = 404;
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(404, response.StatusCode);
    }

    [Fact]
    public async Task A_cancelled_token_is_observed()
    {
        await using var server = await GatewayTestServer.StartAsync(async context =>
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => context.Response.SendFileAsync(_file, 0, null, new CancellationToken(canceled: true)));
            Assert.False(context.Response.HasStarted);
        });

        var response = await server.RequestAsync(UwsgiPacket.Nginx());

        Assert.Equal(200, response.StatusCode);
        Assert.Empty(response.Body);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
