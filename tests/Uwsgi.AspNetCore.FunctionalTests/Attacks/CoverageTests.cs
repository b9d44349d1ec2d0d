using System.Reflection;

namespace Uwsgi.AspNetCore.FunctionalTests.Attacks;

/// <summary>Keeps the list of what has to be tested whole, by the traits that tests carry.</summary>
public class CoverageTests
{
    /// <summary>The rules for which no test of a server is possible, each with the reason. There are none.</summary>
    private static readonly Dictionary<int, string> Untestable = [];

    private static readonly string[] Attacks =
    [
        "unread body", "two spellings", "content length", "control characters", "response splitting", "HTTP_PROXY", "param bombs",
        "request floods", "unknown ids", "version mismatch", "early STDIN", "slow drip", "half-close", "reset",
    ];

    [Fact]
    public void Every_rule_for_a_robust_server_has_a_test()
    {
        var missing = Enumerable.Range(1, 64).Select(rule => $"{rule}").Except(TraitsOf("GatewayRule")).Select(int.Parse);

        Assert.Equal(Untestable.Keys.Order(), missing.Order());
        Assert.All(Untestable.Values, Assert.NotEmpty);
    }

    [Fact]
    public void Every_attack_has_a_test() => Assert.Equal(Attacks.Order(StringComparer.Ordinal), TraitsOf("Attack").Order(StringComparer.Ordinal));

    private static IEnumerable<string> TraitsOf(string name) => typeof(CoverageTests).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly))
        .Where(method => method.GetCustomAttributes<FactAttribute>().Any(fact => fact.Skip is null))
        .SelectMany(method => method.GetCustomAttributesData())
        .Where(attribute => attribute.AttributeType == typeof(TraitAttribute) && name.Equals(attribute.ConstructorArguments[0].Value))
        .Select(attribute => (string)attribute.ConstructorArguments[1].Value!)
        .Distinct();
}
