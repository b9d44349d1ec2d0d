using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Mounts;

/// <summary>The mount that a request's path belongs to.</summary>
/// <param name="Index">The mount's number, in the order of the configuration.</param>
/// <param name="Length">How many characters of the path are the mount's, and not the application's.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MountMatch(int Index, int Length);
