using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;
using Xunit.Sdk;

namespace Uwsgi.AspNetCore.Tests.Shared;

public sealed class LogSinkTests : IDisposable
{
    private readonly LogSink _sink = new();
    private readonly ILogger _logger;

    public LogSinkTests() => _logger = _sink.CreateLogger("Shop.Orders");

    [Fact]
    public void AssertNothingAbove_LowerLevelsOnly_Passes()
    {
        _logger.LogWarning(new EventId(7, "Late"), "Order {Order} is late.", 12);

        _sink.AssertNoErrors();
        _sink.AssertNothingAbove(LogLevel.Warning);
        var entry = Assert.Single(_sink.Find("Late"));
        Assert.Equal("Order 12 is late.", entry.Message);
        Assert.Contains(KeyValuePair.Create("Order", (object?)12), entry.Values);
    }

    [Fact]
    public void AssertNoErrors_ErrorLogged_Fails()
    {
        _logger.LogError(new TimeoutException(), "Lost.");

        var failure = Assert.Throws<EmptyException>(_sink.AssertNoErrors);

        Assert.Contains("Lost.", failure.Message);
    }

    [Fact]
    public void AssertNothingAbove_OtherCategory_Passes()
    {
        _logger.LogError("Lost.");

        _sink.AssertNothingAbove(LogLevel.Information, "Stock");
    }

    [Fact]
    public async Task WaitForAsync_LoggedLater_Returns()
    {
        var waiting = _sink.WaitForAsync("Late");
        Assert.False(waiting.IsCompleted);

        _logger.LogInformation(new EventId(7, "Late"), "Late.");

        Assert.Equal("Late.", (await waiting).Message);
        Assert.Equal("Late.", (await _sink.WaitForAsync("Late")).Message);
    }

    public void Dispose() => _sink.Dispose();
}
