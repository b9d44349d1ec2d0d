namespace Uwsgi.AspNetCore.FunctionalTests.Infrastructure;

/// <summary>An address to listen on: a port that the system chooses, or a unix socket that is gone afterwards.</summary>
public sealed class TemporarySocket(bool unix) : IDisposable
{
    public string Address { get; } = unix ? Path.Combine(Path.GetTempPath(), $"uwsgi-{Guid.NewGuid():N}.sock") : "127.0.0.1:0";

    public void Dispose()
    {
        if (Address[0] == '/')
            File.Delete(Address);
    }
}
