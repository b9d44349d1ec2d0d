using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.FileProviders.Physical;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>One file as ASP.NET Core's static file middleware sees it: whatever it asks for, it is this one.</summary>
internal sealed class StaticFileResponse : IFileProvider, IContentTypeProvider
{
    private readonly PhysicalFileInfo _file;
    private readonly string? _contentType;

    public StaticFileResponse(string realPath, string? contentType)
    {
        _file = new PhysicalFileInfo(new FileInfo(realPath));
        _contentType = contentType;
        Options = new StaticFileOptions
        {
            FileProvider = this,
            ContentTypeProvider = this,
            ServeUnknownFileTypes = true,
            OnPrepareResponse = Prepare,
        };
    }

    public StaticFileOptions Options { get; }

    /// <summary>Gets or sets the coding the file is in; null for none.</summary>
    public string? ContentEncoding { get; set; }

    /// <summary>Gets or sets whether another client may get the file in another coding.</summary>
    public bool IsNegotiated { get; set; }

    /// <summary>Gets or sets how long it may be kept, from when on; null when nothing is said.</summary>
    public (TimeSpan Age, DateTimeOffset Now)? Expiry { get; set; }

    /// <summary>Gets whether the middleware had nothing to serve: the file went away behind its back.</summary>
    public bool IsMissed { get; private set; }

    /// <summary>The end of the pipeline for the middleware; the application is called outside of it.</summary>
    public Task MissAsync(HttpContext context)
    {
        IsMissed = true;
        return Task.CompletedTask;
    }

    public IFileInfo GetFileInfo(string subpath) => _file;

    public IDirectoryContents GetDirectoryContents(string subpath) => NotFoundDirectoryContents.Singleton;

    public IChangeToken Watch(string filter) => NullChangeToken.Singleton;

    public bool TryGetContentType(string subpath, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? contentType) =>
        (contentType = _contentType) is not null;

    private void Prepare(StaticFileResponseContext response)
    {
        var headers = response.Context.Response.Headers;
        if (IsNegotiated)
        {
            headers.Append(HeaderNames.Vary, HeaderNames.AcceptEncoding);
        }

        if (response.Context.Response.StatusCode is not (StatusCodes.Status200OK or StatusCodes.Status206PartialContent or StatusCodes.Status304NotModified))
        {
            return;
        }

        if (ContentEncoding is not null)
        {
            headers.ContentEncoding = ContentEncoding;
        }

        if (Expiry is var (age, now))
        {
            headers.Expires = HeaderUtilities.FormatDate(now + age);
            headers.CacheControl = string.Create(CultureInfo.InvariantCulture, $"max-age={(long)age.TotalSeconds}");
        }
    }
}
