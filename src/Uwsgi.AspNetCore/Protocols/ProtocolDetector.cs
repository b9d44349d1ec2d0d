using System.Buffers;
using System.Collections.Frozen;
using Uwsgi.AspNetCore.Protocols.FastCgi;
using Uwsgi.AspNetCore.Protocols.Uwsgi;

namespace Uwsgi.AspNetCore.Protocols;

/// <summary>Tells the protocols apart that may share one port, by as few of the first bytes as possible.</summary>
/// <remarks>
/// <code>
/// byte 0                     then                                            is
/// 1                                                                          FastCGI (its version)
/// 22                         3, then 0 to 4                                  TLS, a handshake record
/// 0-9                        at most six more digits, then ':'               SCGI, a netstring's length
/// 0-9                        digits, then another token character or ' ';    HTTP, a method
///                            or more than seven digits
/// other token character      a token character or ' '                        HTTP, a method
/// 100 ('d')                  0                                               uwsgi, a ping
/// any other                  if it is a modifier1 that is served             uwsgi
/// </code>
/// Everything else is unknown. The rule costs uwsgi the modifiers that start another protocol: 1, and the token characters
/// <c>! # $ % &amp; ' * + - . ^ _ ` | ~ 0-9 A-Z a-z</c>. None is served by default, and no web server sends one unless it is told to.
/// An HTTP method can never be mistaken for another protocol, whoever chose it: it holds neither ':' nor a control character.
/// The shortest legal head of each protocol is longer than what is looked at, so that no peer waits for us while we wait for it.
/// </remarks>
internal static class ProtocolDetector
{
    /// <summary>The most bytes that a decision takes.</summary>
    public const int MaxBytes = MaxLengthDigits + 1;

    private const int MaxLengthDigits = 7;
    private const byte TlsHandshake = 22;

    private static readonly SearchValues<byte> TokenBytes = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>Looks at the start of a connection.</summary>
    /// <param name="start">What has arrived so far.</param>
    /// <param name="modifiers">The values of modifier1 that are served as requests.</param>
    public static DetectedProtocol Detect(in ReadOnlySequence<byte> start, FrozenSet<int> modifiers)
    {
        if (start.IsSingleSegment || start.FirstSpan.Length >= MaxBytes)
        {
            return Detect(start.FirstSpan, modifiers);
        }

        Span<byte> bytes = stackalloc byte[MaxBytes];
        bytes = bytes[..(int)Math.Min(MaxBytes, start.Length)];
        start.Slice(0, bytes.Length).CopyTo(bytes);
        return Detect(bytes, modifiers);
    }

    private static DetectedProtocol Detect(ReadOnlySpan<byte> bytes, FrozenSet<int> modifiers) => bytes switch
    {
        [] => DetectedProtocol.NeedMore,
        [FastCgiRecord.Version, ..] => DetectedProtocol.FastCgi,
        [TlsHandshake] or [TlsHandshake, 3] => DetectedProtocol.NeedMore,
        [TlsHandshake, 3, <= 4, ..] => DetectedProtocol.Tls,
        [>= (byte)'0' and <= (byte)'9', ..] => DetectLength(bytes),
        [var first, ..] when TokenBytes.Contains(first) => DetectMethod(bytes),
        [var modifier, ..] => modifiers.Contains(modifier) ? DetectedProtocol.Uwsgi : DetectedProtocol.Unknown,
    };

    private static DetectedProtocol DetectLength(ReadOnlySpan<byte> bytes)
    {
        var digits = bytes.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return digits switch
        {
            < 0 => bytes.Length > MaxLengthDigits ? DetectedProtocol.Http : DetectedProtocol.NeedMore,
            > MaxLengthDigits => DetectedProtocol.Http,
            _ when bytes[digits] == ':' => DetectedProtocol.Scgi,
            _ => IsInMethodOrBehindIt(bytes[digits]) ? DetectedProtocol.Http : DetectedProtocol.Unknown,
        };
    }

    private static DetectedProtocol DetectMethod(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [_] => DetectedProtocol.NeedMore,
        [UwsgiPacket.PingModifier, 0, ..] => DetectedProtocol.Uwsgi,
        _ => IsInMethodOrBehindIt(bytes[1]) ? DetectedProtocol.Http : DetectedProtocol.Unknown,
    };

    private static bool IsInMethodOrBehindIt(byte value) => value == ' ' || TokenBytes.Contains(value);
}
