using System.Buffers.Binary;
using System.Net;
using System.Text.Json;
using System.Xml.Linq;
using Uwsgi.AspNetCore.InteropTests.Processes;
using Uwsgi.AspNetCore.InteropTests.Servers;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>What a stranger gets from the package: its contents, and a new app that serves a request with it.</summary>
public sealed class PackageTests(PackedPackage package, ITestOutputHelper output) : IClassFixture<PackedPackage>
{
    private const string Uwsgi = "127.0.0.1:3031";

    [Fact]
    public void Package_Files_AreLibraryDocumentationReadmeAndIcon()
    {
        using var archive = package.Open("nupkg");

        var files = archive.Entries.Select(entry => entry.FullName).ToHashSet();
        Assert.Superset(
            new HashSet<string> { "README.md", "icon.png", "lib/net10.0/Uwsgi.AspNetCore.dll", "lib/net10.0/Uwsgi.AspNetCore.xml" }, files);
        Assert.Single(files, file => file.EndsWith(".dll", StringComparison.Ordinal));
    }

    [Fact]
    public void Package_Description_NamesLicenceReadmeIconAndNoDependency()
    {
        var metadata = ReadNuspec();

        Assert.Equal("MIT", metadata("license")?.Value);
        Assert.Equal("expression", metadata("license")?.Attribute("type")?.Value);
        Assert.Equal("README.md", metadata("readme")?.Value);
        Assert.Equal("icon.png", metadata("icon")?.Value);
        Assert.Contains("nginx", metadata("description")?.Value);
        Assert.Contains("uwsgi", metadata("tags")?.Value);
        Assert.Equal("Microsoft.AspNetCore.App", metadata("frameworkReferences")?.Descendants().Last().Attribute("name")?.Value);
        Assert.Empty(metadata("dependencies")?.Descendants().Where(element => element.Name.LocalName == "dependency") ?? []);
    }

    [Fact]
    public void Package_Documentation_CoversTheEntryPoint()
    {
        using var archive = package.Open("nupkg");
        using var stream = archive.GetEntry("lib/net10.0/Uwsgi.AspNetCore.xml")!.Open();

        var members = XDocument.Load(stream).Descendants("member").Select(member => member.Attribute("name")!.Value).ToList();

        Assert.Contains(members, member => member.StartsWith("M:Microsoft.AspNetCore.Hosting.UwsgiWebHostBuilderExtensions.UseUwsgi(", StringComparison.Ordinal));
        Assert.Contains("P:Uwsgi.AspNetCore.UwsgiOptions.Sockets", members);
    }

    [Fact]
    public void Package_Schema_IsFoundByTheTargetsThatEditorsRead()
    {
        const string Targets = "buildTransitive/net10.0/Uwsgi.AspNetCore.targets";
        using var archive = package.Open("nupkg");
        using var targets = archive.GetEntry(Targets)!.Open();

        var segment = XDocument.Load(targets).Descendants("JsonSchemaSegment").Single();
        var path = segment.Attribute("Include")!.Value.Replace("$(MSBuildThisFileDirectory)", $"/{Path.GetDirectoryName(Targets)}/", StringComparison.Ordinal);
        using var schema = archive.GetEntry(Path.GetFullPath(path)[1..])!.Open();

        Assert.True(JsonDocument.Parse(schema).RootElement.GetProperty("properties").TryGetProperty("Uwsgi", out _));
        Assert.Matches(segment.Attribute("FilePathPattern")!.Value, "appsettings.Development.json");
    }

    [Fact]
    public void Package_Icon_IsASmallSquarePng()
    {
        using var archive = package.Open("nupkg");
        var entry = archive.GetEntry("icon.png")!;
        using var stream = entry.Open();
        var head = new byte[24];
        stream.ReadExactly(head);

        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], head[..4]);
        Assert.Equal(128u, BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(16)));
        Assert.Equal(128u, BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(20)));
        Assert.InRange(entry.Length, 1, 50_000);
    }

    [Fact]
    public void Symbols_Package_HoldsThePdb()
    {
        using var archive = package.Open("snupkg");

        Assert.Contains(archive.Entries, entry => entry.FullName == "lib/net10.0/Uwsgi.AspNetCore.pdb");
    }

    [Fact]
    public void Readme_OfThePackage_ShowsTheSameAppAsTheRepositorys()
    {
        var page = MarkdownPage.Read("src/Uwsgi.AspNetCore/package/README.md");

        Assert.Equal(page.Blocks, MarkdownPage.Read("README.md").Blocks.Take(page.Blocks.Count));
    }

    [SkippableFact]
    public async Task NewApp_OfTheReadme_AnswersThroughNginx()
    {
        var page = MarkdownPage.Read("README.md");
        var (command, expected) = page.Commands.First(step => step.Command.StartsWith("curl ", StringComparison.Ordinal));
        Assert.Contains(page.Commands, step => step.Command == "dotnet add package Uwsgi.AspNetCore");
        using var directory = new TemporaryDirectory();
        await CreateAppAsync(directory["Shop"], page.FirstBlock("csharp"));

        await using var app = await ListeningApp.StartAsync(["--project", directory["Shop"], "--no-build", "--no-launch-profile"]);
        var location = new DocumentedAddresses((Uwsgi, app["uwsgi"])).ToActual(page.FirstBlock("nginx"));
        await using var nginx = await NginxServer.StartAsync("shop", location);
        output.WriteLine(nginx.Version);

        Assert.Equal(expected, await Repository.CurlAsync($"curl --connect-to ::{nginx["shop"]} {command[5..]}"));
    }

    // What the page tells a reader to do, with the local feed instead of the public one and a package folder that is thrown away.
    private async Task CreateAppAsync(string directory, string program)
    {
        var isolated = ("NUGET_PACKAGES", Path.Combine(directory, "packages"));
        await Repository.DotNetAsync(["new", "web", "-o", directory, "--no-restore"]);
        await File.WriteAllTextAsync(Path.Combine(directory, "Program.cs"), new DocumentedAddresses((Uwsgi, new IPEndPoint(IPAddress.Loopback, 0))).ToActual(program));
        await File.WriteAllTextAsync(
            Path.Combine(directory, "nuget.config"),
            $"""
            <configuration>
              <packageSources><add key="local" value="{package.Feed}" /></packageSources>
              <packageSourceMapping>
                <packageSource key="local"><package pattern="{PackedPackage.Id}" /></packageSource>
              </packageSourceMapping>
            </configuration>
            """);
        await Repository.DotNetAsync(["add", directory, "package", PackedPackage.Id, "--version", package.Version], isolated);
        output.WriteLine(await Repository.DotNetAsync(["build", directory, "--nologo", "-m:1"], isolated));
    }

    private Func<string, XElement?> ReadNuspec()
    {
        using var archive = package.Open("nupkg");
        using var stream = archive.GetEntry($"{PackedPackage.Id}.nuspec")!.Open();
        var metadata = XDocument.Load(stream).Root!.Elements().First();
        return name => metadata.Elements().FirstOrDefault(element => element.Name.LocalName == name);
    }
}
