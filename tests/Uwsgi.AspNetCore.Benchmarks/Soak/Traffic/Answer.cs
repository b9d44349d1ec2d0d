using System.Globalization;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>What came back for one request.</summary>
/// <param name="Response">The head.</param>
/// <param name="Body">The body, without the framing of HTTP.</param>
/// <param name="IsComplete">Whether the body is as long as the head says, or else has ended as the protocol ends it.</param>
internal sealed record Answer(RawResponse Response, byte[] Body, bool IsComplete)
{
    /// <summary>Reads an answer, or what there is of it.</summary>
    /// <param name="bytes">What has come.</param>
    /// <param name="hasEnded">Whether it has ended in an orderly way.</param>
    /// <returns>Null when not even the head is there.</returns>
    /// <exception cref="FormatException">The bytes are no answer.</exception>
    public static Answer? TryParse(ReadOnlySpan<byte> bytes, bool hasEnded)
    {
        if (bytes.IndexOf("\r\n\r\n"u8) < 0)
        {
            return null;
        }

        var response = RawResponse.Parse(bytes.ToArray());
        if (response["Transfer-Encoding"] == "chunked")
        {
            return Dechunk(response);
        }

        return response["Content-Length"] is { } length
            ? new(response, response.Body, response.Body.Length == int.Parse(length, CultureInfo.InvariantCulture))
            : new(response, response.Body, hasEnded);
    }

    private static Answer Dechunk(RawResponse response)
    {
        var rest = response.Body.AsSpan();
        var body = new MemoryStream(rest.Length);
        while (rest.IndexOf("\r\n"u8) is >= 0 and var line)
        {
            var size = int.Parse(rest[..line], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            rest = rest[(line + 2)..];
            if (size == 0)
            {
                return rest.SequenceEqual("\r\n"u8) ? new(response, body.ToArray(), true) : new(response, body.ToArray(), false);
            }

            var there = Math.Min(size, rest.Length);
            body.Write(rest[..there]);
            if (rest.Length < size + 2)
            {
                break;
            }

            rest = rest[(size + 2)..];
        }

        return new(response, body.ToArray(), false);
    }
}
