using Microsoft.AspNetCore.Http.Features;
using Uwsgi.AspNetCore.FunctionalTests.Infrastructure;
using Uwsgi.AspNetCore.Testing;

namespace Uwsgi.AspNetCore.FunctionalTests;

/// <summary>What real web servers have sent, through a whole server with default options.</summary>
public class CaptureTests(SharedServer shared) : IClassFixture<SharedServer>
{
    public static TheoryData<Capture> Dispatched => [.. Capture.AllUwsgi.Where(capture => capture.Expected.Outcome == ExpectedOutcome.Dispatch)];

    public static TheoryData<Capture> Refused => [.. Capture.AllUwsgi.Where(capture => capture.Expected.Outcome == ExpectedOutcome.Refuse)];

    [Theory]
    [Trait("Rule", "88")]
    [Trait("Rule", "89")]
    [Trait("Rule", "93")]
    [Trait("Rule", "98")]
    [Trait("Item", "28")]
    [Trait("Item", "29")]
    [MemberData(nameof(Dispatched))]
    public async Task A_recorded_request_reaches_the_application_as_it_was_meant(Capture capture)
    {
        var expected = capture.Expected;
        var seen = await shared.SeeHeadAsync(capture.Head, context => new
        {
            context.Request.Method,
            PathBase = context.Request.PathBase.Value ?? "",
            Path = context.Request.Path.Value ?? "",
            Query = context.Request.QueryString.Value ?? "",
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Scheme,
            Host = context.Request.Host.Value ?? "",
            context.Request.Protocol,
            RemoteIp = context.Connection.RemoteIpAddress?.ToString(),
            context.Connection.RemotePort,
            LocalIp = context.Connection.LocalIpAddress?.ToString(),
            LocalPort = (int?)context.Connection.LocalPort,
            context.Request.ContentLength,
            context.Request.ContentType,
            Upgradable = context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true,
            Headers = Describe(context.Request.Headers
                .Where(header => header.Key is not ("Host" or "Content-Length" or "Content-Type"))
                .Select(header => KeyValuePair.Create(header.Key, header.Value.Select(value => ExpectedRequest.Shorten(value!))))),
        });

        Assert.Equal(
            new
            {
                expected.Method,
                expected.PathBase,
                expected.Path,
                expected.Query,
                expected.RawTarget,
                expected.Scheme,
                expected.Host,
                expected.Protocol,
                expected.RemoteIp,
                expected.RemotePort,
                expected.LocalIp,
                LocalPort = expected.LocalPort ?? seen.LocalPort,
                expected.ContentLength,
                expected.ContentType,
                expected.Upgradable,
                Headers = Describe(expected.Headers.Select(header => KeyValuePair.Create(header.Key, header.Value.AsEnumerable()))),
            },
            seen);
    }

    [Theory]
    [Trait("Rule", "56")]
    [MemberData(nameof(Refused))]
    public async Task A_recorded_request_that_means_no_good_is_refused(Capture capture)
    {
        if (capture.Expected.Status != 0)
            Assert.Equal(capture.Expected.Status, await shared.RefusalAsync(capture.Bytes));
        else
            await shared.SilenceAsync(capture.Bytes);
    }

    private static string Describe(IEnumerable<KeyValuePair<string, IEnumerable<string>>> headers) =>
        string.Join('\n', headers.OrderBy(header => header.Key, StringComparer.OrdinalIgnoreCase).Select(header => $"{header.Key.ToUpperInvariant()}: {string.Join(" | ", header.Value)}"));
}
