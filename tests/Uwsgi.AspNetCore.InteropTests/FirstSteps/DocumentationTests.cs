using System.ComponentModel;
using System.Globalization;
using Uwsgi.AspNetCore.InteropTests.Servers;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>The pages keep up with the code: options, links.</summary>
public sealed class DocumentationTests
{
    public static TheoryData<string> Pages => new(
        "README.md", "CHANGELOG.md", "samples/README.md", "samples/Hello/README.md", "samples/Mounts/README.md", "samples/FrontEnds/README.md",
        "samples/Operations/README.md", "src/Uwsgi.AspNetCore/package/README.md");

    [Theory]
    [MemberData(nameof(Pages))]
    public void Page_LocalLinks_LeadToFiles(string file)
    {
        var directory = Path.GetDirectoryName(Repository.PathOf(file))!;

        Assert.All(MarkdownPage.Read(file).LocalLinks, link => Assert.True(Path.Exists(Path.Combine(directory, link)), link));
    }

    [SkippableFact]
    public async Task Readme_NginxBlocks_AreAccepted()
    {
        var blocks = MarkdownPage.Read("README.md").Blocks.Where(block => block.Language == "nginx").Select(block => block.Code).ToList();
        var upstreams = blocks.Where(block => block.StartsWith("upstream ", StringComparison.Ordinal));
        var locations = blocks.Where(block => block.StartsWith("location ", StringComparison.Ordinal)).ToList();
        Assert.Equal(blocks.Count, upstreams.Count() + locations.Count);

        await using var nginx = await NginxServer.StartAsync(new NginxSites
        {
            Http = string.Join('\n', upstreams),
            Sites = Enumerable.Range(0, locations.Count).ToDictionary(index => $"recipe{index}", index => locations[index]),
        });

        Assert.DoesNotContain("[warn]", nginx.ErrorLog);
    }

    [Fact]
    public void Readme_ConfigurationTable_HasEveryOptionWithItsDefault()
    {
        var rows = MarkdownPage.Read("README.md").Text.Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))
            .ToLookup(cells => cells[0].Trim('`'), cells => cells[1]);

        var expected = Options(typeof(UwsgiOptions), new UwsgiOptions(), string.Empty).ToList();

        Assert.All(expected, option => Assert.Contains(option.Default, rows[option.Name]));
    }

    private static IEnumerable<(string Name, string Default)> Options(Type type, object instance, string prefix) =>
        from property in TypeDescriptor.GetProperties(type).Cast<PropertyDescriptor>()
        let value = property.GetValue(instance)
        from option in value is UwsgiLimits
            ? Options(typeof(UwsgiLimits), value, property.Name + ":")
            : [(prefix + property.Name, Describe(value))]
        select option;

    private static string Describe(object? value) => value switch
    {
        null => "none",
        System.Collections.ICollection => "empty",
        bool flag => flag ? "`true`" : "`false`",
        TimeSpan time => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds} s"),
        Enum choice => $"`{choice}`",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value:N0}"),
    };
}
