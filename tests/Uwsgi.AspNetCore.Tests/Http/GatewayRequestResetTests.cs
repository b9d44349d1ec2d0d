using System.Buffers;
using System.Collections;
using System.IO.Pipelines;
using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
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

    private static readonly Dictionary<string, string> Survivors = new()
    {
        ["GatewayRequest._logger"] = "given at construction",
        ["GatewayRequest.Upgrades"] = "given at construction",
        ["GatewayRequest._abortLock"] = "a lock has no content",
        ["GatewayRequest._outputLock"] = "a lock has no content",
        ["GatewayRequest._revision"] = "has to change with every request",
        ["GatewayRequest._requestNumber"] = "counts on along a connection; Detach resets it",
        ["GatewayRequest._abortSource"] = "is kept when it can be reset, tested below",
        ["GatewayRequest._bodyReader"] = "a facade serves a connection's next request; Detach drops it",
        ["GatewayRequest._bodyStream"] = "a facade serves a connection's next request; Detach drops it",
        ["GatewayRequest._responseStream"] = "a facade serves a connection's next request; Detach drops it",
        ["GatewayRequest._responseWriter"] = "a facade serves a connection's next request; Detach drops it",
        ["RequestHeaders._recentNames"] = "a cache of strings that any client may have sent",
        ["RequestHeaders._recentValues"] = "likewise, of headers that hold no secrets",
        ["GatewayVariables._block"] = "only its first _length bytes count",
        ["GatewayVariables._entries"] = "only its first _count elements count",
    };

    [Fact]
    public void Reset_EveryFieldFilled_LeavesNoneOfIt()
    {
        var request = NewRequest();
        Fill(request);

        request.Reset();

        var fresh = NewRequest();
        var left = Differences(request, fresh, request, fresh).ToList();
        Assert.Empty(left);
    }

    [Fact]
    public void Detach_AfterReset_DropsTheFacadesToo()
    {
        var request = NewRequest();
        Fill(request);
        request.Reset();

        request.Detach();

        foreach (var name in new[] { "_bodyReader", "_bodyStream", "_responseStream", "_responseWriter" })
            Assert.Null(Field(name).GetValue(request));
        Assert.Equal(0u, Field("_requestNumber").GetValue(request));
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
            .SelectMany(AllFields)
            .Select(FullName);

        Assert.Empty(Survivors.Keys.Except(names));
    }

    private static GatewayRequest NewRequest() => new(NullLogger.Instance) { Upgrades = new UpgradedConnections() };

    private static FieldInfo Field(string name) => typeof(GatewayRequest).GetField(name, Fields)!;

    private static void Fill(object target)
    {
        foreach (var field in AllFields(target.GetType()))
        {
            if (field.FieldType == typeof(Lock) || field.Name is "_logger" || FullName(field) == "GatewayRequest.Upgrades")
                continue;

            if (field.IsInitOnly && field.GetValue(target) is { } part && !field.FieldType.IsValueType)
                FillPart(part);
            else
                field.SetValue(target, Make(field.FieldType));
        }

        // A collection's count has to fit its array.
        if (AllFields(target.GetType()).FirstOrDefault(field => field.Name == "_entries") is { } entries)
        {
            AllFields(target.GetType()).Single(field => field.Name == "_count").SetValue(target, ((Array)entries.GetValue(target)!).Length);
        }
    }

    private static void FillPart(object part)
    {
        if (part is Array array)
            FillArray(array);
        else if (part is IList list)
            list.Add(Make(part.GetType().GetGenericArguments()[0]));
        else if (IsOurs(part.GetType()))
            Fill(part);
        else
            throw new NotSupportedException($"No way to fill a {part.GetType()}.");
    }

    private static void FillArray(Array array)
    {
        for (var i = 0; i < array.Length; i++)
            array.SetValue(Make(array.GetType().GetElementType()!), i);
    }

    private static object Make(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Make(underlying);
        if (type.IsEnum)
            return Enum.GetValues(type).Cast<object>().Last();
        if (type.IsArray)
        {
            // Sixteen bytes are a size that the shared pool takes back.
            var array = Array.CreateInstance(type.GetElementType()!, 16);
            FillArray(array);
            return array;
        }

        object? known = type switch
        {
            _ when type == typeof(bool) => true,
            _ when type == typeof(byte) => (byte)7,
            _ when type == typeof(int) => 7,
            _ when type == typeof(uint) => 7u,
            _ when type == typeof(long) => 7L,
            _ when type == typeof(string) => "dirty",
            _ when type == typeof(object) => new object(),
            _ when type == typeof(Type) => typeof(string),
            _ when type == typeof(Stream) => new MemoryStream(),
            _ when type == typeof(PipeReader) => PipeReader.Create(ReadOnlySequence<byte>.Empty),
            _ when type == typeof(IHeaderDictionary) => new HeaderDictionary { ["X-Dirty"] = "1" },
            _ when type == typeof(IPAddress) => IPAddress.Broadcast,
            _ when type == typeof(Exception) => new InvalidOperationException(),
            _ when type == typeof(MinDataRate) => new MinDataRate(1, TimeSpan.FromSeconds(2)),
            _ when type == typeof(Endpoint) => new Endpoint(null, null, "dirty"),
            _ when type == typeof(RouteValueDictionary) => new RouteValueDictionary { ["dirty"] = 1 },
            _ when type == typeof(CancellationToken) => new CancellationToken(canceled: true),
            _ when type == typeof(CancellationTokenRegistration) => new CancellationTokenSource().Token.Register(static () => { }),
            _ when type == typeof(CancellationTokenSource) => new CancellationTokenSource(),
            _ when type == typeof(Task<FlushResult>) => Task.FromResult(default(FlushResult)),
            _ when type == typeof(Func<object, Task>) => static (object _) => Task.CompletedTask,
            _ when type == typeof(GatewaySettings) => new GatewaySettings(new UwsgiOptions(), new KestrelServerOptions()),
            _ when type == typeof(GatewayExchange) => new NoExchange(),
            _ => null,
        };
        if (known is not null)
            return known;
        if (type.IsValueType)
        {
            var value = Activator.CreateInstance(type)!;
            foreach (var field in type.GetFields(Fields))
                field.SetValue(value, Make(field.FieldType));
            return value;
        }

        if (type.IsGenericType && Activator.CreateInstance(type) is IEnumerable collection)
        {
            var add = type.GetMethod("Push") ?? type.GetMethod("Add")!;
            add.Invoke(collection, [.. add.GetParameters().Select(parameter => Make(parameter.ParameterType))]);
            return collection;
        }

        return IsOurs(type) && !type.IsAbstract
            ? RuntimeHelpers.GetUninitializedObject(type)
            : throw new NotSupportedException($"No sample for a {type}; give this test one.");
    }

    private static IEnumerable<string> Differences(object used, object fresh, object usedRoot, object freshRoot)
    {
        foreach (var field in AllFields(used.GetType()))
        {
            if (Survivors.ContainsKey(FullName(field)))
                continue;

            var (left, expected) = (field.GetValue(used), field.GetValue(fresh));
            if (left is not null && expected is not null && IsOurs(left.GetType()) && !left.GetType().IsValueType)
            {
                foreach (var difference in Differences(left, expected, usedRoot, freshRoot))
                    yield return difference;
            }
            else if (Describe(left, usedRoot) != Describe(expected, freshRoot))
            {
                yield return $"{FullName(field)} is {Describe(left, usedRoot)}, not {Describe(expected, freshRoot)}";
            }
        }
    }

    // An empty collection is as good as none, an array as good as its elements.
    private static string Describe(object? value, object root) => value switch
    {
        null => "nothing",
        string text => $"'{text}'",
        Array array => $"[{string.Join(", ", array.Cast<object?>().Select(element => Describe(element, root)))}]",
        ICollection { Count: 0 } => "nothing",
        IEnumerable collection => collection.Cast<object>().Any() ? "a collection with content" : "nothing",
        _ when ReferenceEquals(value, root) => "itself",
        _ when value.GetType() is { IsValueType: true, IsPrimitive: false, IsEnum: false } type =>
            $"{{{string.Join(", ", type.GetFields(Fields).Select(field => Describe(field.GetValue(value), root)))}}}",
        _ when value.GetType().IsValueType => value.ToString()!,
        _ => $"a {value.GetType().Name}",
    };

    private static IEnumerable<FieldInfo> AllFields(Type type)
    {
        for (var current = type; current is not null && IsOurs(current); current = current.BaseType)
        {
            foreach (var field in current.GetFields(Fields))
                yield return field;
        }
    }

    private static string FullName(FieldInfo field)
    {
        var name = field.Name;
        if (name.StartsWith('<'))
            name = name[1..name.IndexOf('>')];
        return $"{field.DeclaringType!.Name}.{name}";
    }

    private static bool IsOurs(Type type) => type.Assembly == typeof(GatewayRequest).Assembly;

    /// <summary>An exchange that nothing may be asked of.</summary>
    private sealed class NoExchange : GatewayExchange
    {
        public override GatewayProtocol Protocol => throw new NotSupportedException();

        public override ConnectionContext Connection => throw new NotSupportedException();

        public override GatewaySettings Settings => throw new NotSupportedException();

        public override PipeReader Input => throw new NotSupportedException();

        public override bool InputEndsBody => throw new NotSupportedException();

        public override bool HasStatusLine => throw new NotSupportedException();

        public override bool CanUpgrade => throw new NotSupportedException();

        public override ConnectionTimeouts Timeouts { get; } = new(new TimeoutClock(TimeProvider.System), new object(), static _ => { }, static (_, _) => { });

        public override bool IsAborted => throw new NotSupportedException();

        public override int Modifier1 => throw new NotSupportedException();

        public override int Modifier2 => throw new NotSupportedException();

        public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public override void Advance(int count) => throw new NotSupportedException();

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public override void EndResponse() => throw new NotSupportedException();

        public override Action? Answer(ReadOnlySpan<byte> response) => throw new NotSupportedException();

        public override Action? Cut(ConnectionAbortedException reason) => throw new NotSupportedException();

        public override void EndCut() => throw new NotSupportedException();

        public override void Abort(ConnectionAbortedException reason) => throw new NotSupportedException();
    }
}
