using System.Text.Json;
using System.Text.RegularExpressions;

namespace Uwsgi.AspNetCore.Tests.Stats;

/// <summary>What a reader of the statistics relies on: the keys in their order, and the type of each value.</summary>
internal static partial class JsonShape
{
    /// <summary>Lists every key once, where it comes first; the elements of an array count as one.</summary>
    public static string[] Of(JsonElement element) => [.. Walk(element, "").Distinct()];

    /// <summary>Reads a document as strictly as can be.</summary>
    public static JsonElement Parse(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        return document.RootElement.Clone();
    }

    /// <summary>Reads one of uWSGI's own documents.</summary>
    public static JsonElement Sample(string name)
    {
        using var stream = typeof(JsonShape).Assembly.GetManifestResourceStream(name)!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }

    private static IEnumerable<string> Walk(JsonElement element, string path)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                yield return path + " object";
                foreach (var property in element.EnumerateObject())
                {
                    foreach (var line in Walk(property.Value, $"{path}/{property.Name}"))
                        yield return line;
                }

                break;
            case JsonValueKind.Array:
                yield return path + " array";
                foreach (var item in element.EnumerateArray())
                {
                    foreach (var line in Walk(item, path + "[]"))
                        yield return line;
                }

                break;
            case JsonValueKind.Number:
                yield return $"{path} {(Integer().IsMatch(element.GetRawText()) ? "integer" : "number")}";
                break;
            default:
                yield return $"{path} {element.ValueKind}";
                break;
        }
    }

    [GeneratedRegex("^(0|[1-9][0-9]*)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Integer();
}
