using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>Leaves the bytes of files to the web server, whoever sends them: static files, <c>SendFileAsync</c>, <c>Results.File</c>.</summary>
internal static class FileHandOffMiddleware
{
    public static void Use(IApplicationBuilder app)
    {
        var services = app.ApplicationServices;
        var options = services.GetRequiredService<IOptions<UwsgiOptions>>().Value;
        if (options.FileServeMode == FileServeMode.Send)
        {
            return;
        }

        var handOff = new FileHandOff(options, services.GetRequiredService<IWebHostEnvironment>().ContentRootPath);
        app.Use(next => context =>
        {
            var inner = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
            context.Features.Set<IHttpResponseBodyFeature>(new FileHandOffBody(context, inner, handOff));
            return next(context);
        });
    }
}
