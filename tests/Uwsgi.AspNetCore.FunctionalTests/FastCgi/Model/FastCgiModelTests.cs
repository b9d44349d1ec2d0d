using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>
/// Random sequences of legal and illegal records on several ids of one connection, checked against <see cref="FastCgiModel"/>.
/// </summary>
/// <remarks>
/// <c>UWSGI_FASTCGI_CASES</c> asks for more cases (a soak), <c>UWSGI_FASTCGI_SEED</c> repeats the run whose failure named that seed.
/// </remarks>
public class FastCgiModelTests
{
    private const int CasesOfOneServer = 250;

    private static readonly TimeSpan ShrinkTimeout = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData(true, 4096)]
    [InlineData(true, 16)]
    [InlineData(false, 4096)]
    public async Task Any_sequence_of_records_is_answered_as_the_model_says(bool abortsOnHalfClose, int blockSize)
    {
        var cases = GetNumber("UWSGI_FASTCGI_CASES") ?? CasesOfOneServer;
        for (var done = 0UL; done < cases; done += CasesOfOneServer)
        {
            var seed = GetNumber("UWSGI_FASTCGI_SEED") ?? (ulong)Random.Shared.NextInt64();
            var count = (int)Math.Min(CasesOfOneServer, cases - done);
            await CheckAsync(seed, count, abortsOnHalfClose, blockSize);
        }
    }

    private static async Task CheckAsync(ulong seed, int count, bool abortsOnHalfClose, int blockSize)
    {
        var app = new FastCgiModelApp();
        await using var server = await FastCgiTestServer.StartAsync(app.InvokeAsync, options =>
        {
            options.AbortOnHalfClose = abortsOnHalfClose;

            // A wait for this one shows as a hang.
            options.Limits.DrainTimeout = TestTimeouts.Default * 2;

            // An application may be late on a busy machine.
            options.Limits.StalledBodyTimeout = TestTimeouts.Default * 2;
        });
        var firstNumber = 1;
        var timeout = TestTimeouts.Default;
        var property = Prop.ForAll(FastCgiModelCase.Arbitrary, input =>
        {
            var model = new FastCgiModel(firstNumber, input.Commands, input.Ending, abortsOnHalfClose);
            firstNumber += model.Requests.Count;
            try
            {
                CheckAsync(server, app, model, input.Segments, blockSize, timeout).GetAwaiter().GetResult();
            }
            catch (TimeoutException)
            {
                timeout = ShrinkTimeout;
                throw;
            }
        });

        var replay = new Replay(new Rnd(seed), Microsoft.FSharp.Core.FSharpOption<int>.None);
        try
        {
            Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(replay).WithQuietOnSuccess(true), property);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"UWSGI_FASTCGI_SEED={seed} repeats this. {failure.Message}", failure);
        }
        finally
        {
            if (server.Logs.Entries.Any(IsExpectedError))
                server.ExpectError("ApplicationError");
        }
    }

    private static async Task CheckAsync(
        GatewayTestServer server, FastCgiModelApp app, FastCgiModel model, int[] segments, int blockSize, TimeSpan timeout)
    {
        var logged = server.Logs.Entries.Count;
        var pool = new LeakCheckingMemoryPool(blockSize);
        var connection = await server.ConnectAsync(new InMemoryConnectionOptions { MemoryPool = pool });
        var run = new FastCgiModelRun(connection, model, segments, timeout);
        await run.PlayAsync();

        run.Verify();
        VerifySeen(app, model, isCut: run.Cut is not null || model.Ending != FastCgiEnding.Finish);
        Assert.DoesNotContain(server.Logs.Entries.Skip(logged), entry => entry.Level >= LogLevel.Error && !IsExpectedError(entry));
        await pool.AssertAllReturnedAsync();
    }

    private static void VerifySeen(FastCgiModelApp app, FastCgiModel model, bool isCut)
    {
        foreach (var request in model.Requests)
        {
            var seen = app.CountOf(request.Number);
            var isCertain = !isCut && !model.IsFatal && !request.IsUncertain && !request.IsAborted;
            Assert.True(
                request.IsNeverDispatched ? seen == 0 : seen <= 1 && (seen == 1 || !isCertain),
                $"The application has seen {request} {seen} times.");
        }
    }

    private static bool IsExpectedError(LogEntry entry) => entry is { Level: LogLevel.Error, Exception: FastCgiModelException };

    private static ulong? GetNumber(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : null;
}
