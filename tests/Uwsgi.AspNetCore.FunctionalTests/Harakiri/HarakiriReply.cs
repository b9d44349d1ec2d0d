using System.Text;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests.Harakiri;

/// <summary>Everything that came over a connection up to its end.</summary>
internal sealed record HarakiriReply(string Text, bool IsReset, bool IsBroken, bool IsEnded)
{
    public int Status { get; } = Text.Split('\n').Select(line => line.Trim()) switch
    {
        var lines when lines.FirstOrDefault(line => line.StartsWith("HTTP/1.", StringComparison.Ordinal)) is { } line => int.Parse(line.Split(' ')[1], null),
        var lines when lines.FirstOrDefault(line => line.StartsWith("Status: ", StringComparison.Ordinal)) is { } line => int.Parse(line.Split(' ')[1], null),
        _ => 0,
    };

    public string Body => Text.Contains("\r\n\r\n", StringComparison.Ordinal) ? Text[(Text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..] : "";

    public static HarakiriReply Parse(Wire wire, byte[] bytes, bool isReset)
    {
        if (wire is not (Wire.FastCgi or Wire.FastCgiKept))
            return new HarakiriReply(Encoding.Latin1.GetString(bytes), isReset, IsBroken: false, IsEnded: false);

        var text = new StringBuilder();
        var isEnded = false;
        for (var at = 0; at + 8 <= bytes.Length;)
        {
            if (bytes[at] == 0)
                return new HarakiriReply(text.ToString(), isReset, IsBroken: true, isEnded);

            var length = (bytes[at + 4] << 8) | bytes[at + 5];
            if (bytes[at + 1] == FastCgiBytes.StdoutType)
                text.Append(Encoding.Latin1.GetString(bytes, at + 8, length));
            isEnded |= bytes[at + 1] == FastCgiBytes.EndType;
            at += 8 + length + bytes[at + 6];
        }

        return new HarakiriReply(text.ToString(), isReset, IsBroken: false, isEnded);
    }
}
