using System.Globalization;
using System.Text;
using Uwsgi.AspNetCore.Benchmarks.Soak.Serving;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>A request, and everything that its one right answer must be.</summary>
internal sealed record SoakRequest(ulong Nonce, string Method, string Path, string Query = "")
{
    public const string HarakiriText = "504 Gateway Timeout: the application took too long.\n";

    /// <summary>Gets the length of the body, which is the <see cref="Pattern"/> of the nonce.</summary>
    public int UploadLength { get; init; }

    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    public int Status { get; init; } = 200;

    /// <summary>Gets the text that comes back; without one it is <see cref="DownloadLength"/> bytes of a pattern.</summary>
    public string? Text { get; init; }

    public int DownloadLength { get; init; }

    /// <summary>Gets the nonce of the pattern that comes back.</summary>
    public ulong DownloadNonce { get; init; } = ~Nonce;

    /// <summary>Gets whether the response is announced in full and ends before.</summary>
    public bool IsCut { get; init; }

    /// <summary>Gets whether the answer comes from the app, which signs it, and not from the server alone.</summary>
    public bool IsSigned { get; init; } = true;

    public string NonceText => Nonce.ToString("x16", CultureInfo.InvariantCulture);

    public string Target => $"{Path}?n={NonceText}{Query}";

    public byte[] Body => Pattern.Create(Nonce, UploadLength);

    /// <summary>The request as a web server's variables.</summary>
    public UwsgiPacket ToPacket()
    {
        var packet = UwsgiPacket.Nginx(Method, Target).Set($"HTTP_{Variable(SoakEndpoints.NonceHeader)}", NonceText);
        foreach (var (name, value) in Headers)
        {
            packet.Add($"HTTP_{Variable(name)}", value);
        }

        return UploadLength > 0 ? packet.WithBody(Body, "application/octet-stream") : packet;
    }

    /// <summary>Gets what is wrong with an answer, or null.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="mayBeCut">Whether the client has given cause to cut it.</param>
    public string? FindFault(Answer answer, bool mayBeCut)
    {
        if (answer.Response.StatusCode != Status)
        {
            return $"status {answer.Response.StatusCode} instead of {Status}: {answer.Response.HeadText}{Start(answer.Body)}";
        }

        if (IsSigned && answer.Response[SoakEndpoints.NonceHeader] is var signature && signature != NonceText)
        {
            return $"signed {signature ?? "by nobody"} instead of {NonceText}";
        }

        return FindBodyFault(answer, mayBeCut);
    }

    public override string ToString() => $"{Method} {Target} with {UploadLength} bytes";

    private static string Variable(string header) => header.ToUpperInvariant().Replace('-', '_');

    private static string Start(byte[] body) => Encoding.Latin1.GetString(body, 0, Math.Min(200, body.Length));

    private string? FindBodyFault(Answer answer, bool mayBeCut)
    {
        var expected = Text is null ? DownloadLength : Encoding.UTF8.GetByteCount(Text);
        if (answer.Body.Length > expected)
        {
            return $"{answer.Body.Length} bytes instead of {expected}: {Start(answer.Body)}";
        }

        var difference = Text is null
            ? Pattern.FindDifference(DownloadNonce, 0, answer.Body)
            : Encoding.UTF8.GetBytes(Text).AsSpan().StartsWith(answer.Body) ? -1 : 0;
        if (difference >= 0)
        {
            return $"wrong from byte {difference} of {answer.Body.Length} on: {Start(answer.Body[(int)difference..])}";
        }

        var isWhole = answer.IsComplete && answer.Body.Length == expected;
        if (IsCut)
        {
            return answer.IsComplete ? $"complete with {answer.Body.Length} bytes, though it was cut off" : null;
        }

        return isWhole || mayBeCut ? null : $"ends after {answer.Body.Length} of {expected} bytes, {(answer.IsComplete ? "" : "in")}complete";
    }
}
