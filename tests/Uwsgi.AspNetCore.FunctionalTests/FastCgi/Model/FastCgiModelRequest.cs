using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.FunctionalTests.FastCgi.Model;

/// <summary>One request as the model knows it: what was sent of it, and which answer is due.</summary>
internal sealed class FastCgiModelRequest
{
    private readonly BeginCommand _begin;

    public FastCgiModelRequest(BeginCommand begin, int number, bool isUncertain)
    {
        _begin = begin;
        Number = number;
        IsUncertain = isUncertain;
        Body = Pattern(number, begin.BodyLength);
        var packet = UwsgiPacket.Minimal("POST", "/" + number.ToString(CultureInfo.InvariantCulture))
            .Add("HTTP_X_NUMBER", number.ToString(CultureInfo.InvariantCulture))
            .Add("HTTP_X_BEHAVIOUR", begin.Behaviour.ToString())
            .Add("HTTP_X_FILL", new string('x', number % 7 * 50));
        if (begin.IsAnnounced)
            packet.Add("CONTENT_LENGTH", begin.BodyLength.ToString(CultureInfo.InvariantCulture));
        Params = Pairs(packet);
    }

    public ushort Id => _begin.Id;

    public int Number { get; }

    public bool Keeps => _begin.Keep;

    public FastCgiBehaviour Behaviour => _begin.Behaviour;

    /// <summary>Gets whether it began when the server may have been about to close the connection.</summary>
    public bool IsUncertain { get; }

    public bool IsRefused => _begin.Role is not (1 or 2);

    public bool IsAuthorizer => _begin.Role == 2;

    public bool IsAnnounced => _begin.IsAnnounced;

    public byte[] Params { get; }

    public byte[] Body { get; }

    public int ParamsSent { get; set; }

    public int BodySent { get; set; }

    public bool AreParamsEnded { get; set; }

    public bool AreParamsCut { get; set; }

    public bool IsStdinEnded { get; set; }

    public bool IsStdinCut { get; set; }

    public bool IsExceeded { get; set; }

    public bool IsAborted { get; set; }

    public bool ReadsBody => !IsAuthorizer && Behaviour is FastCgiBehaviour.Echo or FastCgiBehaviour.Digest or FastCgiBehaviour.Early;

    /// <summary>Gets whether the body ended before its announced length, and the application notices.</summary>
    public bool IsTruncated => ReadsBody && IsStdinCut;

    /// <summary>Gets whether the server has everything that its answer needs.</summary>
    public bool IsDecided => IsRefused || IsAborted || (AreParamsEnded && (AreParamsCut
        || (Behaviour != FastCgiBehaviour.Wait && (!ReadsBody || IsStdinEnded || IsExceeded || (IsAnnounced && Body.Length == 0)))));

    /// <summary>Gets whether the server is surely in the middle of it.</summary>
    public bool IsSurelyActive => !IsUncertain && !IsDecided;

    /// <summary>Gets whether the application must not see it.</summary>
    public bool IsNeverDispatched => IsRefused || !AreParamsEnded || AreParamsCut;

    /// <summary>Gets whether its failure may cost the connection: nothing else tells the web server that a response is incomplete.</summary>
    public bool MayBreakConnection =>
        AreParamsEnded && !AreParamsCut && !IsRefused && (Behaviour == FastCgiBehaviour.ThrowLate || IsTruncated || IsExceeded);

    public byte[] ReceivedBody => Body[..BodySent];

    public int ExpectedStatus => AreParamsCut ? 400 : Behaviour == FastCgiBehaviour.Throw ? 500 : 200;

    /// <summary>Gets the body of the complete answer.</summary>
    public byte[] ExpectedBody => AreParamsCut ? [] : Behaviour switch
    {
        FastCgiBehaviour.Echo => IsAuthorizer ? [] : ReceivedBody,
        FastCgiBehaviour.Digest => Digest(IsAuthorizer ? [] : ReceivedBody),
        FastCgiBehaviour.Early => [.. Part(Number, 0), .. Digest(IsAuthorizer ? [] : ReceivedBody)],
        FastCgiBehaviour.Large => Pattern(Number, 200_000),
        FastCgiBehaviour.Chunks => [.. Part(Number, 0), .. Part(Number, 1), .. Part(Number, 2)],
        FastCgiBehaviour.ThrowLate => Part(Number, 0),
        FastCgiBehaviour.Ignore => Part(Number, 0),
        _ => [],
    };

    /// <summary>Bytes that no other request has.</summary>
    public static byte[] Pattern(int number, int length)
    {
        var bytes = new byte[length];
        var state = (uint)number * 2_654_435_761;
        for (var i = 0; i < length; i++)
        {
            state = (state * 1_664_525) + 1_013_904_223;
            bytes[i] = (byte)(state >> 24);
        }

        return bytes;
    }

    public static byte[] Part(int number, int part) => Encoding.ASCII.GetBytes($"[part {part} of {number}]");

    public static byte[] Digest(byte[] body) => Encoding.ASCII.GetBytes($"{body.Length}:{Convert.ToHexString(SHA256.HashData(body))}");

    public override string ToString() => $"#{Number} (id {Id}, {Behaviour})";
}
