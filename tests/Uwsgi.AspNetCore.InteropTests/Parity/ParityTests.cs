using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Runs the cases of <see cref="ParityCases"/> through both doors of a fixture.</summary>
public abstract class ParityTests(ParityFixture fixture, ITestOutputHelper output)
{
    /// <summary>Gets the differences that are right for this door.</summary>
    private protected virtual IReadOnlyList<AllowedDifference> Allowances => AllowedDifferences.All;

    private protected async Task AssertSameAsync(string name)
    {
        output.WriteLine(fixture.Server.Version);

        var differences = await CompareAsync(name);

        var wrong = differences.Where(difference => !Allowances.Any(allowed => allowed.Covers(difference))).ToList();
        Assert.True(wrong is [], $"Through {fixture.Door.Name} these differ from {fixture.Reference.Name}:\n{string.Join('\n', wrong)}");
    }

    private protected async Task AssertOccursAsync(string name)
    {
        var allowed = Allowances.Single(entry => entry.Name == name);

        var differences = await CompareAsync(allowed.Example);

        Assert.True(differences.Any(allowed.Covers), $"Nothing needs the allowed difference '{name}' any more: {allowed.Reason}");
    }

    private Task<IReadOnlyList<Difference>> CompareAsync(string name)
    {
        _ = fixture.Server;
        return Comparison.RunAsync(
            ParityCases.All.Single(parityCase => parityCase.Name == name),
            fixture.VisitorAt(fixture.Reference),
            fixture.VisitorAt(fixture.Door));
    }
}
