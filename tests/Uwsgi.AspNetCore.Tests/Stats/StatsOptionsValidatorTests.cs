using Uwsgi.AspNetCore.Stats;

namespace Uwsgi.AspNetCore.Tests.Stats;

public class StatsOptionsValidatorTests
{
    [Theory]
    [InlineData("127.0.0.1:9191")]
    [InlineData("127.0.0.1:0;127.0.0.1:0")]
    [InlineData("/run/stats.sock;fd://4")]
    [InlineData("")]
    public void GoodAddresses_Pass(string addresses) => Assert.Empty(Validate(addresses));

    [Theory]
    [InlineData("here", "Uwsgi:Stats: 'here' cannot be used: it is neither host:port nor the path of a unix socket.")]
    [InlineData("127.0.0.1:3031", "Uwsgi:Stats: '127.0.0.1:3031' is also a socket for requests; give the statistics one of their own.")]
    [InlineData("unix:/run/app.sock", "Uwsgi:Stats: 'unix:/run/app.sock' is also a socket for requests; give the statistics one of their own.")]
    [InlineData("/run/s.sock;unix:/run/s.sock", "Uwsgi:Stats: 'unix:/run/s.sock' is listed twice; remove one of them.")]
    public void BadAddresses_AreNamed(string addresses, string error) => Assert.Equal([error], Validate(addresses));

    private static IEnumerable<string> Validate(string addresses)
    {
        var options = new UwsgiOptions { Sockets = { "127.0.0.1:3031", "nonsense", "127.0.0.1:0" }, ScgiSockets = { "/run/app.sock" } };
        foreach (var address in addresses.Split(';', StringSplitOptions.RemoveEmptyEntries))
            options.Stats.Add(address);
        return new StatsOptionsValidator().Validate(null, options).Failures ?? [];
    }
}
