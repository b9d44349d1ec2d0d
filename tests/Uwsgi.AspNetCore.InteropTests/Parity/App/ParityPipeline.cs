using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Rewrite;

namespace Uwsgi.AspNetCore.InteropTests.Parity.App;

/// <summary>The pipeline: middleware that cannot be asked for by an endpoint gets a branch, the rest is routed.</summary>
internal static class ParityPipeline
{
    public static void UseParityPipeline(this WebApplication app)
    {
        app.UseMiddleware<ObservationMiddleware>();
        app.Map("/errors", UseErrorPages);
        app.Map("/middleware", UseBranches);
        app.UseWebSockets();
        app.UseRouting();
        app.UseCors();
        app.UseAuthentication();
        app.UseAuthorization();
        app.UseSession();
        app.UseAntiforgery();
        app.UseRequestTimeouts();
        app.UseRateLimiter();
        app.UseOutputCache();
        app.MapRequestEndpoints();
        app.MapResponseEndpoints();
        app.MapFileEndpoints();
        app.MapStreamingEndpoints();
        app.MapSecurityEndpoints();
        app.MapWebSocketEndpoints();
        app.Use(next => context => context.GetEndpoint() is null ? Echo(context) : next(context));
    }

    /// <summary>Notes what the request looks like to an endpoint, and answers the same to everyone.</summary>
    public static Task Echo(HttpContext context)
    {
        var request = context.Request;
        context.Observed().Note("App.Echo", $"{request.Method} {request.PathBase}|{request.Path}|{request.QueryString}");
        return context.Response.WriteAsync("echo\n");
    }

    private static void UseErrorPages(IApplicationBuilder errors)
    {
        errors.Map("/developer", branch =>
        {
            branch.UseDeveloperExceptionPage();
            branch.Run(_ => throw new InvalidOperationException("The developer should see this."));
        });
        errors.Map("/handler", branch =>
        {
            branch.UseExceptionHandler(handler => handler.Run(context =>
            {
                var error = context.Features.GetRequiredFeature<IExceptionHandlerPathFeature>();
                return context.Response.WriteAsync($"{error.Path}: {error.Error.Message}");
            }));
            branch.Run(ThrowAsAsked);
        });
        errors.Map("/problem", branch =>
        {
            branch.UseExceptionHandler();
            branch.UseStatusCodePages();
            branch.Run(ThrowAsAsked);
        });
        errors.Map("/reexecute", branch =>
        {
            branch.UseStatusCodePagesWithReExecute("/page", "?code={0}");
            branch.Run(context =>
            {
                context.Response.StatusCode = context.Request.Path == "/page" ? context.Response.StatusCode : 404;
                return context.Request.Path == "/page" ? Echo(context) : Task.CompletedTask;
            });
        });
        errors.Map("/redirect", branch =>
        {
            branch.UseStatusCodePagesWithRedirects("~/sorry?code={0}");
            branch.Run(context =>
            {
                context.Response.StatusCode = 403;
                return Task.CompletedTask;
            });
        });
    }

    private static async Task ThrowAsAsked(HttpContext context)
    {
        switch (context.Request.Path.Value)
        {
            case "/status":
                context.Response.StatusCode = 418;
                return;
            case "/bad-request":
                throw new BadHttpRequestException("Not like this.", 422);
            case "/started":
                await context.Response.WriteAsync("half ");
                await context.Response.Body.FlushAsync();
                throw new InvalidOperationException("Too late for a page.");
            default:
                context.Response.Headers["X-Before"] = "lost";
                throw new InvalidOperationException("Handled.");
        }
    }

    private static void UseBranches(IApplicationBuilder branches)
    {
        branches.Map("/compressed", branch => branch.UseResponseCompression().Run(Compressible));
        branches.Map("/cached", branch => branch.UseResponseCaching().Run(Cacheable));
        branches.Map("/decompressed", branch => branch.UseRequestDecompression().Run(BodyReading.EchoAsync));
        branches.Map("/logged", branch => branch.UseHttpLogging().Run(BodyReading.EchoAsync));
        branches.Map("/hsts", branch => branch.UseHsts().Run(Echo));
        branches.Map("/override", branch => branch.UseHttpMethodOverride().Run(Echo));
        branches.Map("/static", branch => branch.UseStaticFiles().Run(context => Results.NotFound().ExecuteAsync(context)));
        branches.Map("/based", branch => branch.UsePathBase("/base").Run(Echo));
        branches.Map("/forwarded", branch => branch
            .UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.None }).Run(Urls));
        branches.Map("/rewritten", branch => branch
            .UseRewriter(new RewriteOptions().AddRewrite("^old/(.*)", "new/$1?was=old", skipRemainingRules: true)
                .AddRedirect("^gone/(.*)", "here/$1", 301))
            .Run(Echo));
        branches.Map("/welcome", branch => branch.UseWelcomePage());
    }

    private static Task Urls(HttpContext context) =>
        context.Response.WriteAsync($"{context.Request.Scheme} {context.Request.Host} {context.Request.IsHttps}");

    private static async Task Compressible(HttpContext context)
    {
        context.Response.ContentType = "text/plain";
        if (context.Request.Path == "/flushed")
        {
            await context.Response.WriteAsync(StaticContent.Text(10));
            await context.Response.Body.FlushAsync();
        }

        await context.Response.WriteAsync(StaticContent.Text(500));
    }

    private static Task Cacheable(HttpContext context)
    {
        context.Response.Headers.CacheControl = "public, max-age=600";
        context.Response.Headers.Vary = ObservationLog.VisitHeader;
        return context.Response.WriteAsync($"made in step {context.Request.Headers[ObservationLog.StepHeader]}");
    }
}
