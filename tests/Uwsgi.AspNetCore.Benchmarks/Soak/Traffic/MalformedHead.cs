using System.Net.Sockets;
using System.Text;
using Uwsgi.AspNetCore.Benchmarks.Soak.Wire;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.Benchmarks.Soak.Traffic;

/// <summary>Sends what is no request and waits for the connection's end.</summary>
internal static class MalformedHead
{
    private static readonly byte[] TlsHello = [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3];

    public static async Task<Outcome> RunAsync(Door door, Random random, CancellationToken cancellationToken)
    {
        var bytes = Choose(door.Protocol, random);
        var received = new MemoryStream();
        var generation = door.Server.Generation;
        try
        {
            using var link = await Link.ConnectAsync(door.EndPoint, hasSmallBuffer: false, cancellationToken);
            await link.SendAsync(bytes, cancellationToken);
            link.EndSending();
            var buffer = new byte[4096];
            int count;
            while ((count = await link.ReceiveAsync(buffer, cancellationToken)) > 0)
            {
                received.Write(buffer, 0, count);
            }
        }
        catch (SocketException refused) when (refused.SocketErrorCode is SocketError.ConnectionRefused)
        {
            return Exchange.Refused(door, generation, refused);
        }
        catch (SocketException)
        {
            // A reset is as good as an end.
        }
        catch (OperationCanceledException)
        {
            return new(OutcomeKind.Hang, $"{Convert.ToHexString(bytes)} was not the end of the connection; {received.Length} bytes came");
        }

        var answer = Encoding.Latin1.GetString(received.GetBuffer(), 0, (int)received.Length);
        return answer.Contains(" 200 ", StringComparison.Ordinal)
            ? new(OutcomeKind.Mismatch, $"{Convert.ToHexString(bytes)} was answered: {answer}")
            : new(OutcomeKind.Provoked);
    }

    private static byte[] Choose(SoakProtocol protocol, Random random)
    {
        var choices = protocol switch
        {
            SoakProtocol.Uwsgi => [.. UwsgiPacket.Malformed().Select(malformed => malformed.Bytes), UwsgiPacket.Raw(0, 500, 0, [9, 0])],
            SoakProtocol.Scgi => Netstrings().Select(Encoding.Latin1.GetBytes).ToArray(),
            SoakProtocol.FastCgi => Records(),
            _ => Heads().Select(Encoding.Latin1.GetBytes).ToArray(),
        };
        return random.Next(10) switch
        {
            0 => TlsHello,
            1 => Noise(random),
            _ => choices[random.Next(choices.Length)],
        };
    }

    private static byte[] Noise(Random random)
    {
        var noise = new byte[random.Next(1, 5000)];
        random.NextBytes(noise);
        return noise;
    }

    private static string[] Netstrings() =>
    [
        "70:", "999999999999:", "0:,", "5:ab,", "24:CONTENT_LENGTH\00\0SCGI\01\0;", "12:SCGI\01\0A\0B\0C,", "-1:,", ":",
        "26:CONTENT_LENGTH\0-5\0SCGI\01\0,",
    ];

    private static string[] Heads() =>
    [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", "GET\r\n\r\n", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nBroken\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n", "GET / HT",
    ];

    private static byte[][] Records() =>
    [
        FastCgiBytes.Record(FastCgiBytes.BeginType, 1, [0, 1, 0, 0, 0, 0, 0, 0], version: 9),
        FastCgiBytes.Record(FastCgiBytes.BeginType, 1, [0, 1]),
        FastCgiBytes.Begin(1),
        [.. FastCgiBytes.Begin(1), .. FastCgiBytes.Record(FastCgiBytes.ParamsType, 1, [200, 1, 65])],
        [.. FastCgiBytes.Begin(1), .. FastCgiBytes.Record(FastCgiBytes.ParamsType, 1, [10, 0, 65]), .. FastCgiBytes.End(FastCgiBytes.ParamsType, 1)],
        FastCgiBytes.Record(FastCgiBytes.ParamsType, 7, [1, 0, 65]),
        FastCgiBytes.Record(77, 0, [1, 2, 3]),
        FastCgiBytes.Begin(1)[..5],
    ];
}
