using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;
using Uwsgi.AspNetCore.Workers;

namespace Uwsgi.AspNetCore.Stats;

/// <summary>The variables of requests in flight, read from outside of them; one after the other, each as "KEY=value".</summary>
/// <remarks>
/// What a web server sent is shown as it came; a request over HTTP is shown in the variables CGI would make of it. Everything is copied
/// before the core is asked whether it still has the same request, see <see cref="Core"/>. Only what does not change while a
/// request runs is read: a property that works out its value on the first read could be in the middle of that.
/// </remarks>
internal sealed class RequestVariables
{
    private const int MaxNameLength = 256;
    private const int MaxValueLength = 4096;
    private const int MaxRequestLength = 32 * 1024;
    private const int MaxTotalLength = 4 * 1024 * 1024;
    private const int MaxAttempts = 3;
    private const string Cut = "...";

    private readonly List<string> _items = [];
    private int _length;
    private int _totalLength;

    /// <summary>Gets the variables of the request that was read last.</summary>
    public IReadOnlyList<string> Items => _items;

    /// <summary>Gets when that request began, on the worker's clock.</summary>
    public long StartTimestamp { get; private set; }

    /// <summary>Reads the request that is in a core.</summary>
    /// <returns>Whether there is one. Its variables are cut short where they are too long, or where the application is changing them.</returns>
    public bool TryRead(Core core)
    {
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            _items.Clear();
            _length = 0;
            var sequence = core.Sequence;
            if ((sequence & 1) == 0)
            {
                return false;
            }

            StartTimestamp = core.StartTimestamp;
            try
            {
                Read(core);
            }
            catch (Exception)
            {
                // The request has ended meanwhile, or its application is changing the headers, which are not made for two threads: collections
                // throw anything then. What was copied before is right if the request is still the same.
            }

            // Nothing of the above may be read after this.
            Interlocked.MemoryBarrier();
            if (core.Sequence == sequence)
            {
                _totalLength += _length;
                return true;
            }
        }

        // Requests that are too short to be caught.
        _items.Clear();
        return false;
    }

    private void Read(Core core)
    {
        if (core.Request is GatewayRequest gateway)
        {
            ReadGateway(gateway.Variables);
        }
        else
        {
            ReadHttp(core);
        }
    }

    private void ReadGateway(GatewayVariables variables)
    {
        var count = variables.Count;
        for (var i = 0; i < count; i++)
        {
            if (!Add(GatewayVariables.GetString(variables.Name(i)), GatewayVariables.GetString(variables.Value(i))))
            {
                return;
            }
        }
    }

    private void ReadHttp(Core core)
    {
        foreach (var (name, value) in HttpVariables.GetAll(core))
        {
            if (!Add(name, value))
            {
                return;
            }
        }
    }

    private bool Add(string name, string value)
    {
        var item = $"{Shorten(name, MaxNameLength)}={(Redaction.IsSecret(name) ? Redaction.Mask : Shorten(Redaction.MaskParameters(value), MaxValueLength))}";
        _length += item.Length;
        if (_length > MaxRequestLength || _totalLength + _length > MaxTotalLength)
        {
            return false;
        }

        _items.Add(item);
        return true;
    }

    private static string Shorten(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        // Not between the two halves of one character.
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[length - 1]) ? length - 1 : length), Cut);
    }
}
