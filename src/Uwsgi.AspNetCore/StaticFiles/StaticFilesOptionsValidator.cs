using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>Checks the options of static files at start. A directory that does not exist is no mistake: it may come later.</summary>
internal sealed class StaticFilesOptionsValidator(IWebHostEnvironment environment) : IValidateOptions<UwsgiOptions>
{
    public ValidateOptionsResult Validate(string? name, UwsgiOptions options)
    {
        var errors = new List<string>();
        CheckPaths(nameof(options.CheckStatic), options.CheckStatic, errors);
        CheckPaths(nameof(options.StaticSafe), options.StaticSafe, errors);
        CheckMap(options, errors);
        CheckNames(options, errors);
        CheckExpiry(options, errors);
        CheckTypes(options, errors);
        CheckHandOff(options, errors);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void CheckPaths(string key, IEnumerable<string> paths, List<string> errors)
    {
        foreach (var path in paths.Where(static path => !IsPath(path)))
        {
            errors.Add($"Uwsgi:{key}: '{path}' is no path; name a directory such as /srv/www.");
        }
    }

    private static void CheckMap(UwsgiOptions options, List<string> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (prefix, target) in options.StaticMap)
        {
            if (!prefix.StartsWith('/'))
            {
                errors.Add($"Uwsgi:StaticMap:{prefix}: '{prefix}' must start with a slash, such as /assets.");
            }
            else if (!seen.Add(StaticMapping.Normalize(prefix)))
            {
                errors.Add($"Uwsgi:StaticMap:{prefix}: '{prefix}' is listed twice, with and without a slash at its end; remove one of them.");
            }

            if (!IsPath(target))
            {
                errors.Add($"Uwsgi:StaticMap:{prefix}: '{target}' is no path; name a directory or a file such as /srv/assets.");
            }
        }
    }

    private static void CheckNames(UwsgiOptions options, List<string> errors)
    {
        foreach (var index in options.StaticIndex.Where(static index => !IsPath(index) || index is "." or ".." || index.AsSpan().ContainsAny('/', '\\')))
        {
            errors.Add($"Uwsgi:StaticIndex: '{index}' must be the name of a file without a directory, such as index.html.");
        }

        foreach (var extension in options.StaticSkipExt.Where(static extension => string.IsNullOrWhiteSpace(extension) || extension.Contains('/', StringComparison.Ordinal)))
        {
            errors.Add($"Uwsgi:StaticSkipExt: '{extension}' must be the ending of a file name, such as .lua.");
        }
    }

    private static void CheckExpiry(UwsgiOptions options, List<string> errors)
    {
        foreach (var entry in options.StaticExpires)
        {
            try
            {
                StaticExpiry.Parse(entry);
            }
            catch (Exception error) when (error is FormatException or RegexParseException)
            {
                errors.Add($@"Uwsgi:StaticExpires: '{entry}' cannot be used: {error.Message.TrimEnd('.')}; '\.(css|js)$ 3600' would be right.");
            }
        }

        foreach (var (type, age) in options.StaticExpiresType)
        {
            if (!IsContentType(type) || age < TimeSpan.Zero || age.TotalSeconds > int.MaxValue)
            {
                errors.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Uwsgi:StaticExpiresType:{type}: '{age.TotalSeconds}' needs a content type as its key, such as text/css, and seconds from 0 to {int.MaxValue}."));
            }
        }
    }

    private void CheckTypes(UwsgiOptions options, List<string> errors)
    {
        foreach (var (extension, type) in options.MimeTypes)
        {
            if (!extension.StartsWith('.') || !IsContentType(type))
            {
                errors.Add($"Uwsgi:MimeTypes:{extension}: '{type}' needs an extension with its dot as the key, and a content type, such as .lua and text/x-lua.");
            }
        }

        if (options.MimeFile is not { } file)
        {
            return;
        }

        try
        {
            using var stream = File.OpenRead(Path.GetFullPath(file, environment.ContentRootPath));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            errors.Add($"Uwsgi:MimeFile: '{file}' cannot be read ({error.Message.TrimEnd('.')}); name a file such as /etc/mime.types.");
        }
    }

    private static void CheckHandOff(UwsgiOptions options, List<string> errors)
    {
        if (!Enum.IsDefined(options.FileServeMode))
        {
            errors.Add($"Uwsgi:FileServeMode: '{options.FileServeMode}' must be send, x-accel-redirect or x-sendfile.");
        }

        foreach (var (directory, target) in options.FileServeMap)
        {
            if (!IsPath(directory))
            {
                errors.Add($"Uwsgi:FileServeMap:{directory}: '{directory}' is no path; name a directory such as /srv/media.");
            }

            if (!IsPath(target) || (options.FileServeMode == FileServeMode.XAccelRedirect && !target.StartsWith('/')))
            {
                errors.Add($"Uwsgi:FileServeMap:{directory}: '{target}' must be the path of an internal location, or a directory of the web server, such as /protected.");
            }
        }
    }

    private static bool IsPath(string path) => !string.IsNullOrWhiteSpace(path) && !path.Any(char.IsControl);

    private static bool IsContentType(string type) => MediaTypeHeaderValue.TryParse(type, out _);
}
