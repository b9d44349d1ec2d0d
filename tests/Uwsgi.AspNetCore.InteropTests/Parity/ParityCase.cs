using System.Text.RegularExpressions;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>Something a visitor does which must look the same through every door.</summary>
/// <param name="Name">The name, unique among all cases.</param>
/// <param name="Visit">What the visitor does. It asserts what makes the case worth its name, such as the status.</param>
internal sealed record ParityCase(string Name, Func<Visitor, Task> Visit)
{
    /// <summary>Gets what a door must be able to do for this case.</summary>
    public Capabilities Needs { get; init; }

    /// <summary>Gets the parts of values that are random or depend on the clock, and what stands for them.</summary>
    public IReadOnlyList<(Regex Pattern, string Replacement)> Masks { get; init; } = [];

    /// <summary>Creates a case of one request.</summary>
    public static ParityCase Of(string name, RawRequest request, int status = 200) =>
        new(name, async visitor =>
        {
            var response = await visitor.SendAsync(request);
            var expected = visitor.Door.Answers.GetValueOrDefault(name, status);
            Assert.True(expected == response.Status, $"The answer was {response.Status} instead of {expected}: {response.Text}");
        });

    /// <summary>Creates a case in which the app fails after its response has started, so that nobody must take the response for a whole one.</summary>
    public static ParityCase Cut(string name, string target) =>
        new(name, async visitor =>
        {
            var response = await visitor.SendAsync(new RawRequest("GET", target));
            Assert.True(
                !visitor.Door.Offers.HasFlag(Capabilities.CutResponses) || !response.IsComplete || response.Status == 502,
                $"The answer looks whole: {response.Status} {response.Text}");
        });

    public static ParityCase Get(string name, string target, int status = 200) => Of(name, new RawRequest("GET", target), status);

    public ParityCase Needing(Capabilities capabilities) => this with { Needs = Needs | capabilities };

    public ParityCase Masking(string pattern, string replacement) =>
        this with { Masks = [.. Masks, (new Regex(pattern, RegexOptions.None, TestTimeout.Duration), replacement)] };

    public override string ToString() => Name;
}
