using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;
using Uwsgi.AspNetCore.Protocols;

namespace Uwsgi.AspNetCore.Tests.Http;

/// <summary>
/// A pooled request must not carry anything into the next one. Every field is filled by reflection, so a field added later is
/// tested without anybody thinking of it: it has to be cleared, or be listed here with the reason why it may stay.
/// </summary>
public class GatewayRequestResetTests
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static readonly string[] FacadeFields = ["_bodyReader", "_bodyStream", "_responseStream", "_responseWriter"];

    private static readonly Dictionary<string, string> Survivors = new()
    {
        ["GatewayRequest._logger"] = PooledFields.Given,
        ["GatewayRequest.Upgrades"] = PooledFields.Given,
        ["GatewayRequest._abortLock"] = "a lock has no content",
        ["GatewayRequest._outputLock"] = "a lock has no content",
        ["GatewayRequest._revision"] = "has to change with every request",
        ["GatewayRequest._pendingStarts"] = "an object with one is never used again",
        ["GatewayRequest._abortSource"] = "is kept when it can be reset, tested below",
        ["GatewayRequest._bodyReader"] = "a facade serves a connection's next request; Detach drops it",
        ["GatewayRequest._bodyStream"] = "a facade serves a connection's next request; Detach drops it",
        ["GatewayRequest._responseStream"] = "a facade serves a connection's next request; Detach drops it",
        ["GatewayRequest._responseWriter"] = "a facade serves a connection's next request; Detach drops it",
        ["RequestHeaders._recentNames"] = "a cache of strings that any client may have sent",
        ["RequestHeaders._recentValues"] = "likewise, of headers that hold no secrets",
        ["RequestHeaders._lastHost"] = "likewise",
        ["GatewayHeaders._lastLength"] = "a cache of a number's text",
        ["GatewayHeaders._lastLengthText"] = "a cache of a number's text",
        ["GatewayRequest._recentPaths"] = "likewise, of the last request's path; used for the very same path only",
        ["GatewayVariables._block"] = "only its first _length bytes count",
        ["GatewayVariables._entries"] = "only its first _count elements count",
    };

    [Fact]
    public void Reset_EveryFieldFilled_LeavesNoneOfIt()
    {
        var request = NewRequest();
        PooledFields.Fill(request, Survivors);

        request.Reset();

        var fresh = NewRequest();
        var left = PooledFields.Differences(request, fresh, Survivors).ToList();
        Assert.Empty(left);
    }

    [Fact]
    public void Detach_AfterReset_DropsTheFacadesToo()
    {
        var request = NewRequest();
        PooledFields.Fill(request, Survivors);
        request.Reset();

        request.Detach();

        Assert.All(FacadeFields, name => Assert.Null(Field(name).GetValue(request)));
    }

    [Fact]
    public void Detach_ToAConnection_LeavesTheFacadesThere()
    {
        var request = NewRequest();
        PooledFields.Fill(request, Survivors);
        request.Reset();
        var kept = FacadeFields.Select(name => Field(name).GetValue(request)).ToList();
        var facades = new RequestFacades();

        request.Detach(facades);

        Assert.All(FacadeFields, name => Assert.Null(Field(name).GetValue(request)));
        Assert.Equal(kept, [facades.BodyReader, facades.BodyStream, facades.ResponseStream, facades.ResponseWriter]);
        Assert.DoesNotContain(null, kept);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reset_AbortToken_IsKeptOnlyWhenItNeverFired(bool fired)
    {
        var request = NewRequest();
        var source = new CancellationTokenSource();
        if (fired)
            source.Cancel();
        Field("_abortSource").SetValue(request, source);

        request.Reset();

        Assert.Equal(fired ? null : source, Field("_abortSource").GetValue(request));
        source.Dispose();
    }

    [Fact]
    public void Survivors_AllExist()
    {
        var names = new[] { typeof(GatewayRequest), typeof(RequestHeaders), typeof(GatewayVariables) }
            .SelectMany(PooledFields.AllFields)
            .Select(PooledFields.FullName);

        Assert.Empty(Survivors.Keys.Except(names));
    }

    private static GatewayRequest NewRequest() => new(NullLogger.Instance) { Upgrades = new UpgradedConnections() };

    private static FieldInfo Field(string name) => typeof(GatewayRequest).GetField(name, Fields)!;
}
