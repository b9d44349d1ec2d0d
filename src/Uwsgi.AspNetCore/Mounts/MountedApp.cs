using Microsoft.AspNetCore.Http;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>An application where it is mounted, or where the web server names it.</summary>
internal sealed record MountedApp(RequestDelegate Pipeline, AppCounters Counters, TimeSpan? Harakiri);
