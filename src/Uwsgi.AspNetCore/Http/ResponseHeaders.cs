using System.Text;
using Microsoft.Extensions.Primitives;
using Uwsgi.AspNetCore.Hosting;

namespace Uwsgi.AspNetCore.Http;

/// <summary>The response's headers: checked when they are set, read-only once the head is on its way.</summary>
internal sealed class ResponseHeaders : GatewayHeaders
{
    private bool _isReadOnly;
    private GatewaySettings? _settings;

    public override bool IsReadOnly => _isReadOnly;

    public void Attach(GatewaySettings settings) => _settings = settings;

    public void SetReadOnly() => _isReadOnly = true;

    public void Reset()
    {
        ClearCore();
        _isReadOnly = false;
        _settings = null;
    }

    /// <summary>Gets the encoding of a header's value; null is ASCII, unless the application chose another for it.</summary>
    public Encoding? GetEncoding(string name) => _settings?.ResponseHeaderEncodingSelector?.Invoke(name);

    protected override void Validate(string key, StringValues value)
    {
        if (!HttpSyntax.IsToken(key))
        {
            throw new InvalidOperationException($"Invalid characters in the header name '{key}'.");
        }

        foreach (var text in value)
        {
            if (text is null)
            {
                continue;
            }

            if (HttpSyntax.IndexOfControl(text) is var control and >= 0)
            {
                throw new InvalidOperationException($"Invalid control character in header {key}: 0x{(int)text[control]:X4}");
            }

            if (!Ascii.IsValid(text) && _settings?.ResponseHeaderEncodingSelector?.Invoke(key) is null)
            {
                throw new InvalidOperationException(
                    $"Invalid non-ASCII character in header {key} (option ResponseHeaderEncodingSelector chooses an encoding).");
            }
        }
    }
}
