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
using Uwsgi.AspNetCore.Hosting;
using Uwsgi.AspNetCore.Http;

namespace Uwsgi.AspNetCore.Tests.Http;

/// <summary>Fills the fields of a pooled object by reflection, and says which of them its Reset has left filled.</summary>
internal static class PooledFields
{
    /// <summary>The reason why a field survives and is not even filled.</summary>
    public const string Given = "given at construction";

    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    public static IEnumerable<string> Differences(object used, object fresh, IReadOnlyDictionary<string, string> survivors) =>
        Differences(used, fresh, used, fresh, survivors);

    public static void Fill(object target, IReadOnlyDictionary<string, string> survivors)
    {
        foreach (var field in AllFields(target.GetType()))
        {
            if (field.FieldType == typeof(Lock) || survivors.GetValueOrDefault(FullName(field)) == Given)
                continue;

            if (field.IsInitOnly && field.GetValue(target) is { } part && !field.FieldType.IsValueType)
                FillPart(part, survivors);
            else
                field.SetValue(target, Make(field.FieldType));
        }

        // A collection's count has to fit its array.
        if (AllFields(target.GetType()).FirstOrDefault(field => field.Name == "_entries") is { } entries)
        {
            AllFields(target.GetType()).Single(field => field.Name == "_count").SetValue(target, ((Array)entries.GetValue(target)!).Length);
        }
    }

    private static void FillPart(object part, IReadOnlyDictionary<string, string> survivors)
    {
        if (part is Array array)
            FillArray(array);
        else if (part is IList list)
            list.Add(Make(part.GetType().GetGenericArguments()[0]));
        else if (IsOurs(part.GetType()))
            Fill(part, survivors);
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
            _ when type == typeof(ConnectionContext) => new DefaultConnectionContext(),
            _ when type == typeof(ConnectionAbortedException) => new ConnectionAbortedException(),
            _ when type == typeof(PipeWriter) => PipeWriter.Create(Stream.Null),
            _ when type == typeof(HeadReader) => UwsgiHeadReader.Instance,
            _ when type == typeof(UpgradeStream) => new UpgradeStream(PipeReader.Create(ReadOnlySequence<byte>.Empty), null!),
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

    private static IEnumerable<string> Differences(
        object used, object fresh, object usedRoot, object freshRoot, IReadOnlyDictionary<string, string> survivors)
    {
        foreach (var field in AllFields(used.GetType()))
        {
            if (survivors.ContainsKey(FullName(field)))
                continue;

            var (left, expected) = (field.GetValue(used), field.GetValue(fresh));
            if (left is not null && expected is not null && IsOurs(left.GetType()) && !left.GetType().IsValueType)
            {
                foreach (var difference in Differences(left, expected, usedRoot, freshRoot, survivors))
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

    public static IEnumerable<FieldInfo> AllFields(Type type)
    {
        for (var current = type; current is not null && IsOurs(current); current = current.BaseType)
        {
            foreach (var field in current.GetFields(Fields))
                yield return field;
        }
    }

    public static string FullName(FieldInfo field)
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

        public override void ReleaseConnection() => throw new NotSupportedException();

        public override Action? Answer(ReadOnlySpan<byte> response) => throw new NotSupportedException();

        public override Action? Cut(ConnectionAbortedException reason) => throw new NotSupportedException();

        public override void EndCut() => throw new NotSupportedException();

        public override void Abort(ConnectionAbortedException reason) => throw new NotSupportedException();
    }
}
