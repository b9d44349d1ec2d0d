using System.IO.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.FunctionalTests.StaticFiles;

/// <summary>In front of everything else: calls the test when a file was found and its head is made, and it is about to be opened.</summary>
internal sealed class SendHook(Func<Task> before) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, pipeline) =>
        {
            context.Features.Set<IHttpResponseBodyFeature>(new Body(context.Features.GetRequiredFeature<IHttpResponseBodyFeature>(), before));
            return pipeline(context);
        });
        next(app);
    };

    private sealed class Body(IHttpResponseBodyFeature inner, Func<Task> before) : IHttpResponseBodyFeature
    {
        public Stream Stream => inner.Stream;

        public PipeWriter Writer => inner.Writer;

        public Task CompleteAsync() => inner.CompleteAsync();

        public void DisableBuffering() => inner.DisableBuffering();

        public async Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
        {
            await before();
            await inner.SendFileAsync(path, offset, count, cancellationToken);
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);
    }
}
