using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.InteropTests.Processes;

/// <summary>Sends signals, since a web server that is only killed leaves its workers behind.</summary>
internal static class Signals
{
    public const int Kill = 9;
    public const int Terminate = 15;

    public static void Send(int processId, int signal)
    {
        // The process may have ended by itself a moment ago; then there is nobody left to tell.
        _ = SendSignal(processId, signal);
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
