using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Uwsgi.AspNetCore.Testing;

/// <summary>One variable of a capture, text as Latin-1. A long value is known by its hash only.</summary>
[JsonConverter(typeof(Converter))]
public sealed record CapturedVariable(string Name, string? Value, int ValueLength, string? ValueSha256)
{
    /// <summary>Tells whether decoded bytes are this variable.</summary>
    public bool Matches(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!name.SequenceEqual(Encoding.Latin1.GetBytes(Name)) || value.Length != ValueLength)
            return false;

        return Value is not null
            ? value.SequenceEqual(Encoding.Latin1.GetBytes(Value))
            : Convert.ToHexStringLower(SHA256.HashData(value)) == ValueSha256;
    }

    /// <summary>Reads <c>[name, value]</c> or <c>[name, null, {valueLength, valueSha256, valueStart}]</c>.</summary>
    public sealed class Converter : JsonConverter<CapturedVariable>
    {
        public override CapturedVariable Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var parts = JsonElement.ParseValue(ref reader);
            var name = parts[0].GetString()!;
            if (parts[1].GetString() is { } value)
                return new CapturedVariable(name, value, value.Length, null);

            return new CapturedVariable(
                name, null, parts[2].GetProperty("valueLength").GetInt32(), parts[2].GetProperty("valueSha256").GetString());
        }

        public override void Write(Utf8JsonWriter writer, CapturedVariable value, JsonSerializerOptions options) =>
            throw new NotSupportedException();
    }
}
