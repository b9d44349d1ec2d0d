using System.Text;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.RequestLog;

/// <summary>A request that has just ended, as its log line shows it.</summary>
/// <remarks>
/// Over a gateway protocol the variables are those that the web server sent, whatever the application has made of them since. Over HTTP they
/// are what a web server would have sent in their place.
/// </remarks>
internal readonly struct LoggedRequest(Core core, TimeSpan elapsed, DateTimeOffset start)
{
    // A variable takes two lengths of two bytes in a uwsgi packet.
    private const int BytesPerVariable = 4;

    private readonly GatewayVariables? _variables = (core.Request as GatewayRequest)?.Variables;

    public Core Core => core;

    public TimeSpan Elapsed => elapsed;

    /// <summary>Gets the start, in local time.</summary>
    public DateTimeOffset Start => start;

    public int Status => GetStatus(core);

    public IGatewayFeature? Gateway => core.Request as IGatewayFeature;

    /// <summary>Gets the status of the response; 0, as in uWSGI, when there has been none.</summary>
    public static int GetStatus(Core core) => core.Response is { HasStarted: true } response ? response.StatusCode : 0;

    /// <summary>Appends a variable of the request.</summary>
    /// <returns>Whether there was anything to append.</returns>
    public bool TryAppend(ref LogLine line, string name, bool keepBlanks)
    {
        if (_variables is null)
        {
            return TryAppendText(ref line, HttpVariables.Get(core, name), keepBlanks);
        }

        if (!_variables.TryGetValue(name, out var value) || value.IsEmpty)
        {
            return false;
        }

        line.AppendValue(value, keepBlanks);
        return true;
    }

    /// <summary>Appends the user: the web server's, or else the one the application has authenticated.</summary>
    public bool TryAppendUser(ref LogLine line) =>
        (_variables is not null && TryAppend(ref line, "REMOTE_USER", keepBlanks: false))
        || TryAppendText(ref line, HttpVariables.GetUser(core), keepBlanks: false);

    /// <summary>Appends the client's address, or the header in which it names any it likes.</summary>
    public bool TryAppendAddress(ref LogLine line, bool isForwarded) =>
        (isForwarded && TryAppendForwarded(ref line)) || TryAppend(ref line, "REMOTE_ADDR", keepBlanks: false);

    public bool TryAppendHost(ref LogLine line) =>
        TryAppend(ref line, "HTTP_HOST", keepBlanks: false) || TryAppend(ref line, "SERVER_NAME", keepBlanks: false);

    public bool TryAppendAppValue(ref LogLine line, string name) => TryAppendText(ref line, core.GetLogVariable(name), keepBlanks: true);

    /// <summary>Counts the variables of the request, and their bytes in a uwsgi packet.</summary>
    public (int Count, int Bytes) MeasureVariables()
    {
        var bytes = 0;
        if (_variables is null)
        {
            var count = 0;
            foreach (var (name, value) in HttpVariables.GetAll(core))
            {
                count++;
                bytes += BytesPerVariable + name.Length + Encoding.UTF8.GetByteCount(value);
            }

            return (count, bytes);
        }

        for (var i = 0; i < _variables.Count; i++)
        {
            bytes += BytesPerVariable + _variables.Name(i).Length + _variables.Value(i).Length;
        }

        return (_variables.Count, bytes);
    }

    /// <summary>Gets the announced size of the request's body, or else how much of it was read.</summary>
    public long GetContentLength() => core.Request?.Headers.ContentLength ?? core.Counters?.BytesReceived ?? 0;

    // Every line of the header, as the first to come may be the only one that tells the truth.
    private bool TryAppendForwarded(ref LogLine line)
    {
        if (_variables is null)
        {
            return TryAppendText(ref line, HttpVariables.Get(core, "HTTP_X_FORWARDED_FOR"), keepBlanks: true);
        }

        var hasAny = false;
        for (var i = 0; i < _variables.Count; i++)
        {
            if (_variables.Name(i).SequenceEqual("HTTP_X_FORWARDED_FOR"u8) && !_variables.Value(i).IsEmpty)
            {
                line.Append(hasAny ? ", " : string.Empty);
                line.AppendValue(_variables.Value(i), keepBlanks: true);
                hasAny = true;
            }
        }

        return hasAny;
    }

    private static bool TryAppendText(ref LogLine line, string? value, bool keepBlanks)
    {
        if (string.IsNullOrEmpty(value))
        {
            return false;
        }

        line.AppendValue(value.AsSpan(), keepBlanks);
        return true;
    }
}
