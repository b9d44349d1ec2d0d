using Uwsgi.AspNetCore.InteropTests.Children;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Lets a test start this assembly again, as an app in a process of its own.</summary>
internal static class Program
{
    private static Task Main(string[] args) => ChildApp.RunAsync(args);
}
