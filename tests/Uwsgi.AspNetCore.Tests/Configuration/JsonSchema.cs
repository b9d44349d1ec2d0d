using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.Tests.Configuration;

/// <summary>Checks JSON against as much of JSON Schema as the package's own schema uses; any other keyword is an error.</summary>
internal static class JsonSchema
{
    private static readonly string[] Annotations = ["description", "default", "definitions"];

    /// <summary>Finds what a schema forbids: a path and the keyword that forbids it.</summary>
    public static IEnumerable<string> FindErrors(JsonElement schema, JsonElement value, string path = "") =>
        schema.EnumerateObject().SelectMany(keyword => Check(keyword, schema, value, path).Select(error => error ?? $"{path}: {keyword.Name}"));

    private static IEnumerable<string?> Check(JsonProperty keyword, JsonElement schema, JsonElement value, string path) => keyword.Name switch
    {
        _ when Annotations.Contains(keyword.Name) => [],
        "type" => Report(Texts(keyword.Value).Any(type => IsOf(value, type))),
        "enum" => Report(keyword.Value.EnumerateArray().Any(choice => JsonElement.DeepEquals(choice, value))),
        "minimum" => Report(value.ValueKind != JsonValueKind.Number || value.GetDecimal() >= keyword.Value.GetDecimal()),
        "maximum" => Report(value.ValueKind != JsonValueKind.Number || value.GetDecimal() <= keyword.Value.GetDecimal()),
        "exclusiveMinimum" => Report(value.ValueKind != JsonValueKind.Number || value.GetDecimal() > keyword.Value.GetDecimal()),
        "pattern" => Report(value.ValueKind != JsonValueKind.String || Regex.IsMatch(value.GetString()!, keyword.Value.GetString()!, RegexOptions.None, TimeSpan.FromSeconds(1))),
        "required" => Report(value.ValueKind != JsonValueKind.Object || Texts(keyword.Value).All(name => value.TryGetProperty(name, out _))),
        "items" => value.ValueKind != JsonValueKind.Array ? [] : value.EnumerateArray().SelectMany((item, index) =>
            FindErrors(keyword.Value, item, string.Create(CultureInfo.InvariantCulture, $"{path}/{index}"))),
        "properties" => value.ValueKind != JsonValueKind.Object ? [] : value.EnumerateObject()
            .Where(property => keyword.Value.TryGetProperty(property.Name, out _))
            .SelectMany(property => FindErrors(keyword.Value.GetProperty(property.Name), property.Value, $"{path}/{property.Name}")),
        "additionalProperties" => value.ValueKind != JsonValueKind.Object ? [] : value.EnumerateObject()
            .Where(property => !schema.TryGetProperty("properties", out var known) || !known.TryGetProperty(property.Name, out _))
            .SelectMany(property => keyword.Value.ValueKind == JsonValueKind.False
                ? [$"{path}/{property.Name}: additionalProperties"]
                : FindErrors(keyword.Value, property.Value, $"{path}/{property.Name}")),
        _ => throw new NotSupportedException($"'{keyword.Name}' at '{path}'"),
    };

    // Null stands for the keyword itself.
    private static IEnumerable<string?> Report(bool isRight) => isRight ? [] : [null];

    private static IEnumerable<string> Texts(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().Select(item => item.GetString()!) : [element.GetString()!];

    private static bool IsOf(JsonElement value, string type) => (type, value.ValueKind) switch
    {
        ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String) or ("number", JsonValueKind.Number) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
        ("integer", JsonValueKind.Number) => value.TryGetInt64(out _),
        _ => false,
    };
}
