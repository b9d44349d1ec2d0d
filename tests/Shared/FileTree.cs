using System.Diagnostics;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>A temporary directory with files, links and FIFOs in it.</summary>
public sealed class FileTree : IDisposable
{
    // The temporary directory may itself be behind a link; tests compare real paths.
    public FileTree() => Path = Directory.CreateTempSubdirectory("uwsgi-files-").FullName;

    public string Path { get; }

    /// <summary>Gets the full path of a name.</summary>
    public string this[string name] => System.IO.Path.Join(Path, name);

    /// <summary>Writes a file, and the directories on the way to it.</summary>
    public FileTree Add(string name, string text = "text")
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text);
        return this;
    }

    /// <summary>Makes a symbolic link.</summary>
    public FileTree Link(string name, string target)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        File.CreateSymbolicLink(this[name], target);
        return this;
    }

    /// <summary>Makes a FIFO: whoever opens it waits for somebody to write.</summary>
    public FileTree Fifo(string name)
    {
        using var process = Process.Start("mkfifo", this[name]);
        Assert.True(process.WaitForExit(TestTimeouts.Default));
        Assert.Equal(0, process.ExitCode);
        return this;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
