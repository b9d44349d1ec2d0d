using System.Text;

namespace Uwsgi.AspNetCore.Benchmarks.InMemory;

/// <summary>One small GET on the wire, as nginx passes it on.</summary>
internal static class Requests
{
    /// <summary>nginx with <c>proxy_http_version 1.1</c> and an empty Connection header.</summary>
    public static byte[] Http { get; } =
        Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: example.test\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n");

    /// <summary>nginx's default.</summary>
    public static byte[] HttpClose { get; } = Encoding.ASCII.GetBytes(
        "GET / HTTP/1.0\r\nHost: example.test\r\nConnection: close\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n");

    /// <summary>nginx with its stock uwsgi_params; recorded.</summary>
    public static byte[] Uwsgi { get; } = Resource.Read("uwsgi/nginx-get");

    /// <summary>nginx with its stock scgi_params; recorded.</summary>
    public static byte[] Scgi { get; } = Resource.Read("scgi/nginx-get");

    /// <summary>nginx with its stock fastcgi_params; recorded, then given the flag that keeps the connection.</summary>
    public static byte[] FastCgiKept { get; } = KeepConnection(Resource.Read("fastcgi/nginx-get"));

    private static byte[] KeepConnection(byte[] request)
    {
        const int FlagsOfBeginRequest = 10;
        request[FlagsOfBeginRequest] |= 1;
        return request;
    }
}
