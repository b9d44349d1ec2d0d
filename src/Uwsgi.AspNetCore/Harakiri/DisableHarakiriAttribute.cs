using Uwsgi.AspNetCore.Harakiri;

namespace Uwsgi.AspNetCore;

/// <summary>Lets the requests of an endpoint take as long as they like, whatever the options and the mount say.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class DisableHarakiriAttribute : Attribute, IHarakiriMetadata
{
    TimeSpan? IHarakiriMetadata.Timeout => null;
}
