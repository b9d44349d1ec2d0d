using Microsoft.Extensions.Options;

namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>Checks the options of time limits and of recycling.</summary>
internal sealed class HarakiriOptionsValidator : IValidateOptions<UwsgiOptions>
{
    public ValidateOptionsResult Validate(string? name, UwsgiOptions options)
    {
        var errors = new List<string>();
        Check(nameof(options.Harakiri), options.Harakiri);
        foreach (var (key, mount) in options.Mounts)
        {
            Check($"Mounts:{key}:Harakiri", mount?.Harakiri);
        }

        if (options.HarakiriGrace < TimeSpan.Zero || options.HarakiriGrace > HarakiriLimits.Longest)
        {
            errors.Add($"Uwsgi:HarakiriGrace: '{options.HarakiriGrace}' must be zero or more, and at most a hundred days.");
        }

        if (options.HarakiriMaxStuck < 0)
        {
            errors.Add($"Uwsgi:HarakiriMaxStuck: '{options.HarakiriMaxStuck}' must be zero or more.");
        }

        if (!Enum.IsDefined(options.HarakiriAction))
        {
            errors.Add($"Uwsgi:HarakiriAction: '{options.HarakiriAction}' must be Log or Stop.");
        }

        if (options.MaxRequests is < 1)
        {
            errors.Add($"Uwsgi:MaxRequests: '{options.MaxRequests}' must be 1 or more, or unset for no limit.");
        }

        if (options.MaxWorkerLifetime is { } lifetime && lifetime <= TimeSpan.Zero)
        {
            errors.Add($"Uwsgi:MaxWorkerLifetime: '{lifetime}' must be more than zero, or unset for no limit.");
        }

        if (options.ReloadOnRss is < 1)
        {
            errors.Add($"Uwsgi:ReloadOnRss: '{options.ReloadOnRss}' must be 1 megabyte or more, or unset for no limit.");
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);

        void Check(string key, TimeSpan? timeout)
        {
            if (timeout is { } value && !HarakiriLimits.IsValid(value))
            {
                errors.Add($"Uwsgi:{key}: '{value}' must be more than zero and at most a hundred days, or unset for no limit.");
            }
        }
    }
}
