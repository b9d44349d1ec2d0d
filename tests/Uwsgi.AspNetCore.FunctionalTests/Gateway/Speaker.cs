using System.Globalization;
using System.Text;
using Uwsgi.AspNetCore.Testing;
using Xunit.Abstractions;

namespace Uwsgi.AspNetCore.FunctionalTests.Gateway;

/// <summary>Somebody who speaks one of the protocols of a shared port: builds a request, and reads the answer to it.</summary>
public sealed class Speaker : IXunitSerializable
{
    /// <summary>For the test runner, which fills it in afterwards.</summary>
    public Speaker()
        : this("")
    {
    }

    private Speaker(string name) => Name = name;

    public static TheoryData<Speaker> All => [.. Everybody];

    public static IReadOnlyList<Speaker> Everybody { get; } = [new("Uwsgi"), new("FastCgi"), new("Scgi"), Http];

    public static Speaker Http => new("Http");

    /// <summary>Gets the name of the protocol, as the test's application answers it.</summary>
    public string Name { get; private set; }

    /// <summary>Builds a whole request, behind which the connection is not kept.</summary>
    public byte[] Request(string path = "/", string body = "", string method = "POST")
    {
        var packet = UwsgiPacket.Nginx(method, path).WithBody(body);
        return Name switch
        {
            "Uwsgi" => packet.ToArray(),
            "FastCgi" => FastCgiBytes.Request(1, packet, keep: false),
            "Scgi" => Netstring(path, body, method),
            _ => HttpRequest(path, body, "Connection: close\r\n", method),
        };
    }

    /// <summary>Reads what the connection carried until it ended.</summary>
    public RawResponse Answer(byte[] bytes) =>
        Name == "FastCgi" ? RawResponse.Parse([.. FastCgiAnswer.Complete(bytes).Single().Stdout]) : RawResponse.Parse(bytes);

    public static byte[] HttpRequest(string path, string body = "", string fields = "", string method = "POST") => Encoding.Latin1.GetBytes(
        $"{method} {path} HTTP/1.1\r\nHost: example.test\r\nContent-Length: {Invariant(body.Length)}\r\n{fields}\r\n{body}");

    public override string ToString() => Name;

    public void Deserialize(IXunitSerializationInfo info) => Name = info.GetValue<string>(nameof(Name));

    public void Serialize(IXunitSerializationInfo info) => info.AddValue(nameof(Name), Name);

    private static byte[] Netstring(string path, string body, string method)
    {
        var block = $"CONTENT_LENGTH|{Invariant(body.Length)}|SCGI|1|REQUEST_METHOD|{method}|REQUEST_URI|{path}|".Replace('|', '\0');
        return Encoding.Latin1.GetBytes($"{Invariant(block.Length)}:{block},{body}");
    }

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);
}
