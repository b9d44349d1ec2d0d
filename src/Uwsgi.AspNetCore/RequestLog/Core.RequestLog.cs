namespace Uwsgi.AspNetCore.Workers;

internal sealed partial class Core
{
    private Dictionary<string, string>? _logVariables;

    /// <summary>Gets a value that the application has set for the request's log line.</summary>
    public string? GetLogVariable(string name) => _logVariables?.GetValueOrDefault(name);

    public void SetLogVariable(string name, string value) => (_logVariables ??= new(StringComparer.Ordinal))[name] = value;

    private void EndRequestLog() => _logVariables?.Clear();
}
