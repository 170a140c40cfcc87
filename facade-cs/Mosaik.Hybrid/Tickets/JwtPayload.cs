using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Writes claims.</summary>
internal static class JwtPayload
{
    private static readonly JsonDocumentOptions s_strict = new()
    {
        AllowDuplicateProperties = false,
        MaxDepth = 7,
    };

    /// <summary>A claim's value; it fits into what is read back.</summary>
    /// <exception cref="ArgumentException">It is no JSON, nested too deeply, or names something twice.</exception>
    public static JsonElement ParseClaim(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            using var document = JsonDocument.Parse(json, s_strict);
            return document.RootElement.Clone();
        }
        catch (JsonException exception)
        {
            throw new ArgumentException($"This is no JSON: {exception.Message}", nameof(json), exception);
        }
    }

    /// <summary>The claims as a JSON object, in the order given; those without a value are left out.</summary>
    public static string Write(IEnumerable<KeyValuePair<string, object?>> claims)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in claims)
            {
                if (value is not null)
                {
                    writer.WritePropertyName(name);
                    JsonSerializer.Serialize(writer, value, value.GetType());
                }
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
