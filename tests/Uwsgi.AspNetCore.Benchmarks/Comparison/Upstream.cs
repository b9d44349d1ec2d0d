using System.Diagnostics;

namespace Uwsgi.AspNetCore.Benchmarks.Comparison;

/// <summary>A program that can stand behind nginx, started on a unix socket or on a TCP port that the kernel picks.</summary>
internal abstract class Upstream
{
    /// <summary>This program again, serving Kestrel's HTTP.</summary>
    public static AppUpstream Http { get; } = new AppUpstream("--http");

    /// <summary>This program again, serving uwsgi.</summary>
    public static AppUpstream Uwsgi { get; } = new AppUpstream("--uwsgi");

    /// <summary>This program again, serving FastCGI.</summary>
    public static AppUpstream FastCgi { get; } = new AppUpstream("--fastcgi");

    /// <summary>This program again, serving SCGI.</summary>
    public static AppUpstream Scgi { get; } = new AppUpstream("--scgi");

    public abstract Task<RunningUpstream> StartAsync(Scenario scenario, string socketPath, bool tcp);

    public sealed class AppUpstream(params string[] arguments) : Upstream
    {
        /// <summary>The same with some of the <see cref="Operations.OperationSwitches"/> turned on.</summary>
        public Upstream With(string operations) => new AppUpstream(["--operations", operations, .. arguments]);

        public override async Task<RunningUpstream> StartAsync(Scenario scenario, string socketPath, bool tcp)
        {
            var process = Process.Start(CreateStartInfo(scenario, tcp ? "127.0.0.1:0" : "unix:" + socketPath))!;
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                // "listening http://unix:/run/app.sock" is "unix:/run/app.sock" to nginx.
                if (line.StartsWith(ServeCommand.Listening, StringComparison.Ordinal))
                {
                    return new RunningUpstream(process, line[(line.IndexOf("://", StringComparison.Ordinal) + 3)..]);
                }
            }

            throw new CommandException($"the app ({string.Join(' ', process.StartInfo.ArgumentList)}) ended before it listened");
        }

        private ProcessStartInfo CreateStartInfo(Scenario scenario, string address)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!)
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            };
            if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            {
                start.ArgumentList.Add(typeof(AppUpstream).Assembly.Location);
            }

            foreach (var argument in (string[])["serve", "--scenario", scenario.Name, .. arguments, address])
            {
                start.ArgumentList.Add(argument);
            }

            foreach (var name in start.Environment.Keys.Where(IsAppSetting).ToArray())
            {
                start.Environment.Remove(name);
            }
            // The Web SDK's default, which a console project does not have.
            start.Environment["DOTNET_gcServer"] = "1";
            return start;
        }

        private static bool IsAppSetting(string name) =>
            name.StartsWith("ASPNETCORE_", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("Uwsgi__", StringComparison.OrdinalIgnoreCase);
    }
}
