using Uwsgi.AspNetCore.Benchmarks;
using Uwsgi.AspNetCore.Benchmarks.Allocations;
using Uwsgi.AspNetCore.Benchmarks.Blocking;
using Uwsgi.AspNetCore.Benchmarks.Comparison;
using Uwsgi.AspNetCore.Benchmarks.Cost;
using Uwsgi.AspNetCore.Benchmarks.Figures;
using Uwsgi.AspNetCore.Benchmarks.Micro;
using Uwsgi.AspNetCore.Benchmarks.Operations;
using Uwsgi.AspNetCore.Benchmarks.Soak;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;

#if DEBUG
Console.Error.WriteLine("warning: this is a Debug build; add -c Release for figures that mean something");
#endif

try
{
    return args switch
    {
        ["compare", .. var rest] => await CompareCommand.RunAsync(rest),
        ["figures", .. var rest] => await FiguresCommand.RunAsync(rest),
        ["allocations", .. var rest] => await AllocationsCommand.RunAsync(rest),
        ["operations", .. var rest] => await OperationsCommand.RunAsync(rest),
        ["blocking", .. var rest] => await BlockingCommand.RunAsync(rest),
        ["cost", .. var rest] => await CostCommand.RunAsync(rest),
        ["micro", .. var rest] => MicroCommand.Run(rest),
        ["soak", .. var rest] => await SoakCommand.RunAsync(rest),
        ["serve", .. var rest] => await ServeCommand.RunAsync(rest),
        ["soak-serve", .. var rest] => await SoakServeCommand.RunAsync(rest),
        _ => Usage(),
    };
}
catch (CommandException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}

static int Usage()
{
    Console.Error.WriteLine(
        $"""
        dotnet run -c Release --project tests/Uwsgi.AspNetCore.Benchmarks -- <command>

        compare       nginx and wrk against this app, every upstream side by side in one run
        {CompareOptions.Usage}
        figures       every figure that has a goal, goal and measurement side by side, in about a quarter of an hour
        {FiguresOptions.Usage}
        allocations   bytes per request in steady state, without sockets
          --requests 20000        requests per batch
          --types                 also which types take them, by sampling
        operations    what harakiri, statistics, mounts and the like add to a request
          --rounds 9 --requests 100000
        cost          processor time of one request in memory, by protocol
          --only uwsgi            one of them, for a profiler
          --rounds 9 --requests 100000
        blocking      a fast endpoint beside requests that block their threads
        {BlockingCommand.Usage}
        soak          random traffic over every protocol, each answer checked by its content; needs nothing, takes nginx where it is
        {SoakOptions.Usage}
        micro         BenchmarkDotNet over the layers; takes its arguments, such as --filter '*Decode*' or --list flat
        """);
    return 2;
}
