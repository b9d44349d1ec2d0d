using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Runs the cases of <see cref="ParityCases"/> through both doors of a fixture.</summary>
public abstract class ParityTests(ParityFixture fixture, ITestOutputHelper output)
{
    /// <summary>Gets the differences that are right for this door.</summary>
    private protected abstract IReadOnlyList<AllowedDifference> Allowances { get; }

    private protected async Task AssertSameAsync(string name)
    {
        var (reference, door) = fixture.Doors;
        output.WriteLine(door.Name);

        var differences = await CompareAsync(name);

        var wrong = differences.Where(difference => !Allowances.Any(allowed => allowed.Covers(difference))).ToList();
        Assert.True(wrong is [], $"Through {door.Name} these differ from {reference.Name}:\n{string.Join('\n', wrong)}");
    }

    private protected async Task AssertOccursAsync(string name)
    {
        var allowed = Allowances.Single(entry => entry.Name == name);

        var differences = await CompareAsync(allowed.Example);

        Assert.True(differences.Any(allowed.Covers), $"Nothing needs the allowed difference '{name}' any more: {allowed.Reason}");
    }

    /// <summary>Runs a case through the door alone, where the web server can do more over its protocol than over HTTP.</summary>
    private protected Task AssertWorksAsync(string name)
    {
        var door = fixture.Doors.Door;
        output.WriteLine(door.Name);
        return ParityCases.All.Single(parityCase => parityCase.Name == name).Visit(fixture.VisitorAt(door));
    }

    private Task<IReadOnlyList<Difference>> CompareAsync(string name)
    {
        var (reference, door) = fixture.Doors;
        return Comparison.RunAsync(
            ParityCases.All.Single(parityCase => parityCase.Name == name), fixture.VisitorAt(reference), fixture.VisitorAt(door));
    }
}
