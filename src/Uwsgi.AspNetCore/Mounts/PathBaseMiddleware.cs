using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Uwsgi.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>Cuts the option <c>PathBase</c> off the paths of HTTP endpoints; requests over other protocols arrive without it.</summary>
internal static class PathBaseMiddleware
{
    public static void Use(IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<IOptions<UwsgiOptions>>().Value.PathBase is { } pathBase)
        {
            app.Use(next => context =>
            {
                if (context.Features.Get<IGatewayFeature>() is null)
                {
                    Cut(context.Request, pathBase);
                }

                return next(context);
            });
        }
    }

    // Not restored behind the application: to everybody the request is one that the server has mapped, as with the other protocols.
    private static void Cut(HttpRequest request, string pathBase)
    {
        var path = request.Path.Value ?? string.Empty;
        if (RequestPath.StartsWithSegments(path, pathBase))
        {
            request.PathBase = request.PathBase.Add(new PathString(pathBase));
            request.Path = new PathString(path[pathBase.Length..]);
        }
    }
}
