using Uwsgi.AspNetCore.InteropTests.FrontEnds;
using Uwsgi.AspNetCore.InteropTests.Http;

namespace Uwsgi.AspNetCore.InteropTests;

/// <summary>Bodies around the sizes at which Caddy's FastCGI records end: 65,500 bytes, and 65,535 in the protocol.</summary>
public sealed class CaddyFastCgiTests
{
    private const int Mebi = 1024 * 1024;

    private static readonly int[] Sizes = [0, 1, 65_499, 65_500, 65_501, 65_535, 65_536, 131_000, Mebi];

    [SkippableFact]
    public async Task Post_BodiesAroundTheSizeOfARecord_ArriveWhole()
    {
        await using var app = await ExchangeApp.StartAsync();
        await using var caddy = await CaddyFrontEnd.StartAsync("samples/FrontEnds/caddy/fastcgi.Caddyfile", ("127.0.0.1:9000", app.EndPoint));

        foreach (var size in Sizes)
        {
            var request = ExchangeApp.Request("/exchange", size, size, size);

            ExchangeApp.AssertIntact(await RawHttpConnection.SendAsync(caddy.Address.Actual, request), size, size, size);
            var chunked = request with { ChunkSizes = [1, 1000, 65_500] };
            ExchangeApp.AssertIntact(await RawHttpConnection.SendAsync(caddy.Address.Actual, chunked), size, size, size);
        }
    }
}
