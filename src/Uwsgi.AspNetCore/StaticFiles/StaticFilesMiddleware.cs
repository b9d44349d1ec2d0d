using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>Answers GET and HEAD with files in front of the application, as uWSGI does; ASP.NET Core's own middleware does the serving.</summary>
internal sealed class StaticFilesMiddleware
{
    private readonly RequestDelegate _next;
    private readonly StaticFileFinder _finder;
    private readonly ContentTypes _contentTypes;
    private readonly StaticExpiry _expiry;
    private readonly bool _hasVariants;
    private readonly IWebHostEnvironment _environment;
    private readonly ILoggerFactory _loggerFactory;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;

    public StaticFilesMiddleware(RequestDelegate next, UwsgiOptions options, IServiceProvider services)
    {
        _next = next;
        _environment = services.GetRequiredService<IWebHostEnvironment>();
        _loggerFactory = services.GetRequiredService<ILoggerFactory>();
        _logger = _loggerFactory.CreateLogger("Uwsgi.AspNetCore.Requests");
        _time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        _finder = new StaticFileFinder(options, _environment.ContentRootPath, _logger);
        _contentTypes = new ContentTypes(options, _environment.ContentRootPath);
        _expiry = new StaticExpiry(options, _logger);
        _hasVariants = options.StaticGzip;
    }

    public static void Use(IApplicationBuilder app)
    {
        var services = app.ApplicationServices;
        var options = services.GetRequiredService<IOptions<UwsgiOptions>>().Value;
        if (options.CheckStatic.Count > 0 || options.StaticMap.Count > 0)
        {
            app.Use(next =>
            {
                var middleware = new StaticFilesMiddleware(next, options, services);
                middleware.LogMissingRoots();
                return middleware.InvokeAsync;
            });
        }
    }

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        return (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
            && request.Path.Value is { } path
            && _finder.TryFind(path, out var file)
            ? ServeAsync(context, file)
            : _next(context);
    }

    private async Task ServeAsync(HttpContext context, StaticFile file)
    {
        var response = CreateResponse(context, file);
        var headers = context.Request.Headers;
        var range = headers.Range;
        if (range.Count > 0 && !range.ToString().StartsWith("bytes=", StringComparison.OrdinalIgnoreCase))
        {
            // RFC 9110 section 14.2: other units are ignored. The framework takes every unit for bytes.
            headers.Remove(HeaderNames.Range);
        }

        // While it is sent, too, since that may take its time; and undone if it is not sent.
        var core = Core.Of(context);
        core?.NoteStatic(true);
        try
        {
            await new StaticFileMiddleware(response.MissAsync, _environment, Options.Create(response.Options), _loggerFactory).Invoke(context);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException && !context.Response.HasStarted)
        {
            Log.StaticFileUnreadable(_logger, file.Path, error);
            context.Response.Clear();
            await response.MissAsync(context);
        }

        if (response.IsMissed)
        {
            core?.NoteStatic(false);
            headers.Range = range;
            await _next(context);
        }
    }

    private StaticFileResponse CreateResponse(HttpContext context, in StaticFile file)
    {
        var contentType = _contentTypes.Of(file.Path);
        var realPath = file.RealPath;
        string? encoding = null;
        if (_hasVariants)
        {
            encoding = FindVariant(AcceptedEncodings.Parse(context.Request.Headers.AcceptEncoding), file, ref realPath);
        }

        return new StaticFileResponse(realPath, contentType)
        {
            ContentEncoding = encoding,
            IsNegotiated = _hasVariants,
            Expiry = _expiry.Of(file.Path, contentType) is { } age ? (age, _time.GetUtcNow()) : null,
        };
    }

    private string? FindVariant(AcceptedEncodings accepted, in StaticFile file, ref string realPath)
    {
        StaticFile variant;
        if (accepted.Brotli && !accepted.PrefersGzip && _finder.TryFindBeside(file, ".br", out variant))
        {
            realPath = variant.RealPath;
            return "br";
        }

        if (accepted.Gzip && _finder.TryFindBeside(file, ".gz", out variant))
        {
            realPath = variant.RealPath;
            return "gzip";
        }

        if (accepted.Brotli && accepted.PrefersGzip && _finder.TryFindBeside(file, ".br", out variant))
        {
            realPath = variant.RealPath;
            return "br";
        }

        return null;
    }

    private void LogMissingRoots()
    {
        var logger = _loggerFactory.CreateLogger("Uwsgi.AspNetCore");
        foreach (var path in _finder.MissingRoots)
        {
            Log.StaticRootMissing(logger, path);
        }
    }
}
