using Microsoft.Extensions.Options;

namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>Checks the options of the request log.</summary>
internal sealed class RequestLogOptionsValidator : IValidateOptions<UwsgiOptions>
{
    public ValidateOptionsResult Validate(string? name, UwsgiOptions options)
    {
        var errors = new List<string>();
        if (options.LogFormat is { } format && LogFormat.TryParse(format, out _) is { } error)
        {
            errors.Add($"Uwsgi:LogFormat: '{format}' {error}.");
        }

        if (options.LogSlow is < 0)
        {
            errors.Add($"Uwsgi:LogSlow: '{options.LogSlow}' must be zero or more milliseconds.");
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
