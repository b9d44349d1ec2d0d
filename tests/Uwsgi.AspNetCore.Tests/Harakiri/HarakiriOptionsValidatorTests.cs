using Uwsgi.AspNetCore.Harakiri;

namespace Uwsgi.AspNetCore.Tests.Harakiri;

public class HarakiriOptionsValidatorTests
{
    [Fact]
    public void Validate_Defaults_Succeeds() => Assert.True(new HarakiriOptionsValidator().Validate(null, new UwsgiOptions()).Succeeded);

    [Fact]
    public void Validate_EverythingWrong_ReportsEachKey()
    {
        var options = new UwsgiOptions
        {
            Harakiri = TimeSpan.Zero,
            HarakiriGrace = TimeSpan.FromSeconds(-1),
            HarakiriMaxStuck = -1,
            HarakiriAction = (HarakiriAction)7,
            MaxRequests = 0,
            MaxWorkerLifetime = TimeSpan.Zero,
            ReloadOnRss = 0,
        };
        options.Mounts["/shop"] = new UwsgiMount("shop") { Harakiri = TimeSpan.FromDays(101) };

        var failures = new HarakiriOptionsValidator().Validate(null, options).Failures!.ToList();

        string[] keys =
        [
            "Harakiri", "Mounts:/shop:Harakiri", "HarakiriGrace", "HarakiriMaxStuck", "HarakiriAction", "MaxRequests", "MaxWorkerLifetime", "ReloadOnRss",
        ];
        Assert.Equal(keys.Length, failures.Count);
        Assert.All(keys.Zip(failures), pair => Assert.StartsWith($"Uwsgi:{pair.First}: '", pair.Second, StringComparison.Ordinal));
    }
}
