using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Uwsgi.AspNetCore.FunctionalTests.Harakiri;

/// <summary>An event that an app under test waits for and the test sets.</summary>
internal static class GateExtensions
{
    public static void AddGate(this WebApplicationBuilder builder) =>
        builder.Services.AddSingleton(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    public static TaskCompletionSource GetRequiredGate(this IServiceProvider services) => services.GetRequiredService<TaskCompletionSource>();
}
