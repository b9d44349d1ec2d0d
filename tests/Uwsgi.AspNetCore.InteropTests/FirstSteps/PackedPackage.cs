using System.Globalization;
using System.IO.Compression;
using Uwsgi.AspNetCore.InteropTests.Processes;

namespace Uwsgi.AspNetCore.InteropTests.FirstSteps;

/// <summary>The package as <c>dotnet pack</c> makes it, in a folder that serves as a feed, with a version nobody else has.</summary>
public sealed class PackedPackage : IAsyncLifetime, IDisposable
{
    public const string Id = "Uwsgi.AspNetCore";

    private readonly TemporaryDirectory _directory = new();

    public string Version { get; } = string.Create(CultureInfo.InvariantCulture, $"0.1.0-test.{Environment.ProcessId}");

    public string Feed => _directory["feed"];

    /// <summary>Packs what the build of the tests left behind: no second build that could get in the way of other tests.</summary>
    public Task InitializeAsync() => Repository.DotNetAsync(
    [
        "pack", Repository.PathOf($"src/{Id}"), "--no-build", "-c", Repository.Configuration, "-o", Feed,
        $"-p:PackageVersion={Version}", $"-p:NuspecOutputPath={_directory["nuspec"]}/",
    ]);

    Task IAsyncLifetime.DisposeAsync() => Task.CompletedTask;

    public void Dispose() => _directory.Dispose();

    /// <summary>Opens the package, or with <c>snupkg</c> its symbols.</summary>
    public ZipArchive Open(string extension) => ZipFile.OpenRead(Path.Combine(Feed, $"{Id}.{Version}.{extension}"));
}
