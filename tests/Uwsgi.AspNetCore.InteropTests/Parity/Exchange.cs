using System.Net.Mime;
using System.Security.Cryptography;
using System.Text;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests.Parity;

/// <summary>One request on a connection of its own, with what the client and the app saw of it.</summary>
/// <param name="request">The request, already marked for its observation.</param>
/// <param name="observation">What the app sees.</param>
/// <param name="connection">The connection.</param>
internal sealed class Exchange(RawRequest request, Observation observation, RawHttpConnection connection) : IAsyncDisposable
{
    private const int LongestQuotedBody = 64 * 1024;

    private readonly SortedDictionary<string, string> _fields = new(StringComparer.Ordinal);
    private Task<RawResponse>? _response;

    public RawRequest Request => request;

    public Observation Observation => observation;

    public RawHttpConnection Connection => connection;

    public IReadOnlyDictionary<string, string> Fields => _fields;

    /// <summary>Sends the whole request and starts to read the response.</summary>
    public void Send() => _response = connection.SendAsync(request);

    public Task SendHeadAsync() => connection.WriteAsync(request.EncodeHead());

    /// <summary>Notes something the client saw.</summary>
    public void Note(string name, string? value) => _fields[name] = value ?? "(null)";

    /// <summary>Reads the response, waits until the app is through with the request, and keeps what both saw.</summary>
    public async Task<RawResponse> CompleteAsync()
    {
        var response = await (_response ?? connection.ReadResponseAsync(request.IsHead));
        Note(response);
        await CollectAsync();
        return response;
    }

    /// <summary>Waits until the app is through with the request, whatever becomes of the response.</summary>
    public async Task CollectAsync()
    {
        Note("Client.Port", connection.LocalPort.ToString());
        Note("Client.Target", request.Target);
        Note("Door.Port", connection.RemotePort.ToString());
        Note("App.Entered", observation.IsEntered.ToString());
        if (observation.IsEntered)
        {
            await observation.FinishedAsync();
        }

        foreach (var (name, value) in observation.Read())
        {
            _fields[name] = value;
        }
    }

    /// <summary>Keeps a response.</summary>
    public void Note(RawResponse response)
    {
        Note("Response.Protocol", response.Protocol);
        Note("Response.Status", response.Status.ToString());
        Note("Response.Reason", response.Reason);
        Note("Response.Framing", response.Framing.ToString());
        Note("Response.IsComplete", response.IsComplete.ToString());
        foreach (var header in response.Headers.GroupBy(header => header.Name, header => header.Value, StringComparer.Ordinal))
        {
            Note($"Response.Header[{header.Key}]", string.Join('\n', header));
        }

        Note("Response.Body", Describe(response));
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static string Describe(RawResponse response)
    {
        var type = response["Content-Type"] ?? MediaTypeNames.Text.Plain;
        var isText = response["Content-Encoding"] is null && (type.StartsWith("text/", StringComparison.Ordinal) || type.Contains("json"));
        return isText && response.Body.Length <= LongestQuotedBody
            ? Encoding.UTF8.GetString(response.Body)
            : $"{response.Body.Length} bytes, SHA-256 {Convert.ToHexString(SHA256.HashData(response.Body))}";
    }
}
