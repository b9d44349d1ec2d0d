namespace Uwsgi.AspNetCore.Harakiri;

/// <summary>What the package does to the process as a whole, in one place, so that tests of it survive.</summary>
internal class ProcessControl
{
    /// <summary>Gets the resident memory in bytes.</summary>
    public virtual long ResidentBytes => Environment.WorkingSet;

    /// <summary>Sets what the process ends with when <c>Main</c> returns nothing.</summary>
    public virtual void SetExitCode(int code) => Environment.ExitCode = code;

    /// <summary>Ends the process now.</summary>
    public virtual void Exit(int code) => Environment.Exit(code);
}
