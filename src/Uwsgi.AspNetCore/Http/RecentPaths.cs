namespace Uwsgi.AspNetCore.Http;

/// <summary>The decoded paths of the last request: the next one is often for the same, and needs no string of its own then.</summary>
internal sealed class RecentPaths
{
    private const int MaxLength = 256;

    public string ScriptName { get; private set; } = string.Empty;

    public string PathInfo { get; private set; } = string.Empty;

    public void Set(string scriptName, string pathInfo)
    {
        ScriptName = scriptName.Length <= MaxLength ? scriptName : string.Empty;
        PathInfo = pathInfo.Length <= MaxLength ? pathInfo : string.Empty;
    }
}
