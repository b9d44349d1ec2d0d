using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Uwsgi.AspNetCore.Testing;
using static Uwsgi.AspNetCore.Testing.FastCgiBytes;

namespace Uwsgi.AspNetCore.Tests.Hosting;

/// <summary>
/// Whatever records a peer sends, legal or not: the connection ends, no request is answered twice or with another's bytes, nobody
/// logs an error, and no block of the pool is lost.
/// </summary>
public class AnyRecordsTests
{
    private static readonly Gen<ushort> Ids = Gen.Choose(1, 4).Select(id => (ushort)id);

    private static readonly Gen<byte[]> Legal = Gen.Frequency(
        (4, from id in Ids
            from size in Gen.Choose(0, 3000)
            from keep in Gen.Frequency((5, Gen.Constant(true)), (1, Gen.Constant(false)))
            select Request(id, Packet(id, size), keep)),
        (4, from id in Ids
            from size in Gen.Choose(1, 3000)
            select Head(id, Packet(id, size))),
        (2, Ids.Select(id => Begin(id))),
        (4, from id in Ids
            from size in Gen.Choose(1, 3000)
            from padding in Gen.Choose(0, 255)
            select Record(StdinType, id, Body(id, size), (byte)padding)),
        (4, Ids.Select(id => End(StdinType, id))),
        (2, Ids.Select(Abort)),
        (1, Gen.Constant(Record(GetValuesType, 0, [15, 0, .. "FCGI_MPXS_CONNS"u8]))),
        (1, Gen.Constant(Record(77, 0, [1, 2, 3]))));

    private static readonly Gen<byte[]> Any = Gen.Frequency(
        (30, Legal),
        (2, from type in Gen.Choose(0, 12)
            from id in Gen.Choose(0, 5)
            from content in ArbMap.Default.GeneratorFor<byte[]>()
            from padding in Gen.Choose(0, 20)
            select Record((byte)type, (ushort)id, content, (byte)padding)),
        (1, Ids.SelectMany(id => Gen.Choose(0, 9).Select(role => Begin(id, role: (ushort)role)))),
        (1, ArbMap.Default.GeneratorFor<byte[]>()));

    [Theory]
    [InlineData(true, 64)]
    [InlineData(false, 64)]
    [InlineData(false, 4096)]
    public async Task AnyRecords_EndQuietly(bool abortOnHalfClose, int blockSize)
    {
        await using var host = await UwsgiTestHost.StartAsync(
            EchoAsync, options => options.AbortOnHalfClose = abortOnHalfClose, blockSize: blockSize, protocol: GatewayProtocol.FastCgi);

        foreach (var records in Any.ListOf().Sample(300, 40))
            await AssertEndsAsync(host, [.. records]);

        host.Logs.AssertNothingAbove(LogLevel.Information, "Uwsgi.AspNetCore");
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        try
        {
            await context.Request.Body.CopyToAsync(body);
        }
        catch (Exception cut) when (cut is BadHttpRequestException or IOException)
        {
            return;
        }

        context.Response.Headers["X-Path"] = context.Request.Path.Value;
        await context.Response.Body.WriteAsync(body.ToArray());
    }

    private static async Task AssertEndsAsync(UwsgiTestHost host, byte[][] records)
    {
        var connection = await host.ConnectAsync();
        var reading = ReadAsync(connection.Client);
        foreach (var record in records)
            await connection.Client.SendAsync(record);
        connection.Client.CompleteSending();

        IReadOnlyList<FastCgiAnswer>? answers;
        try
        {
            await connection.Disposed.WithTimeoutAsync();
            answers = await reading;
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"The connection does not end after {string.Join(' ', records.Select(Convert.ToHexString))}.", exception);
        }

        foreach (var answer in answers ?? [])
        {
            if (answer.ProtocolStatus != Complete || answer.Stdout.Length == 0 || answer.Response["X-Path"] is not { } path)
                continue;

            Assert.Equal($"/{answer.Id}", path);
            Assert.False(answer.Response.Body.AsSpan().ContainsAnyExcept((byte)answer.Id), "The body is another request's.");
        }

        connection.Client.Close();
    }

    private static async Task<IReadOnlyList<FastCgiAnswer>?> ReadAsync(InMemoryClient client)
    {
        try
        {
            return FastCgiAnswer.Complete(await client.ReadToEndAsync());
        }
        catch (ConnectionResetException)
        {
            // The server has given up; that is an end as well.
            return null;
        }
    }

    private static UwsgiPacket Packet(ushort id, int size) => UwsgiPacket.Nginx("POST", $"/{id}").WithBody(Body(id, size));

    private static byte[] Body(ushort id, int size)
    {
        var body = new byte[size];
        body.AsSpan().Fill((byte)id);
        return body;
    }
}
