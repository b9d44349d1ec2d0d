using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>A response body that answers the sending of a file with its name in a header, where the web server can do the rest.</summary>
/// <remarks>
/// The web server sends whole files with status 200 and makes ranges of them itself. Everything else goes through the process: other
/// statuses, parts of files that no range asked for, files with something in front of them, and those with a content coding, since
/// nginx and mod_xsendfile drop the header Content-Encoding.
/// </remarks>
internal sealed class FileHandOffBody(HttpContext context, IHttpResponseBodyFeature inner, FileHandOff handOff) : IHttpResponseBodyFeature
{
    public Stream Stream => inner.Stream;

    public PipeWriter Writer => inner.Writer;

    public void DisableBuffering() => inner.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);

    public Task CompleteAsync() => inner.CompleteAsync();

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested
            || !CanBeHandedOff()
            || new FileInfo(path) is not { Exists: true } file
            || !IsWhole(file.Length, offset, count)
            || handOff.Describe(file.FullName) is not { } name)
        {
            return inner.SendFileAsync(path, offset, count, cancellationToken);
        }

        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.Headers[handOff.HeaderName] = name;
        response.Headers.Remove(HeaderNames.ContentRange);
        response.ContentLength = null;
        Core.Of(context)?.NoteOffloaded();
        return EndAsync(cancellationToken);
    }

    // Nothing may follow that the web server would throw away: whoever tries gets an exception. Started first, so that no length of
    // zero is announced, which mod_proxy_scgi would believe.
    private async Task EndAsync(CancellationToken cancellationToken)
    {
        await inner.StartAsync(cancellationToken);
        await inner.CompleteAsync();
    }

    private bool CanBeHandedOff()
    {
        var response = context.Response;
        return !response.HasStarted
            && response.StatusCode is StatusCodes.Status200OK or StatusCodes.Status206PartialContent
            && !HttpMethods.IsHead(context.Request.Method)
            && response.Headers.ContentEncoding.Count == 0
            && !response.Headers.ContainsKey(handOff.HeaderName)
            && inner.Writer is not { CanGetUnflushedBytes: true, UnflushedBytes: > 0 };
    }

    private bool IsWhole(long length, long offset, long? count)
    {
        var response = context.Response;
        return response.StatusCode == StatusCodes.Status200OK
            ? offset == 0 && (count ?? length) == length && (response.ContentLength ?? length) == length
            : IsRangeOfWhole(length, offset, count ?? (length - offset));
    }

    // What the framework has made of the client's Range, the web server will make of it, too.
    private bool IsRangeOfWhole(long length, long offset, long count) =>
        context.Request.Headers.Range.Count > 0
        && ContentRangeHeaderValue.TryParse(context.Response.Headers.ContentRange.ToString(), out var range)
        && range.Length == length
        && range.From == offset
        && range.To == offset + count - 1;
}
