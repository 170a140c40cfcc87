using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Everything that a <see cref="Jwt"/> was told.</summary>
internal sealed record JwtPolicy
{
    /// <summary>Keys that never change; empty with a ring.</summary>
    public ImmutableArray<JwtKey> Keys { get; init; } = [];

    /// <summary>Keys that change.</summary>
    public JwtKeyRing? Ring { get; init; }

    /// <summary>One of them issued the ticket; empty for whoever has the key.</summary>
    public ImmutableSortedSet<string> Issuers { get; init; } = Ordinal;

    /// <summary>The ticket is for one of them; empty for anybody.</summary>
    public ImmutableSortedSet<string> Audiences { get; init; } = Ordinal;

    /// <summary>The subject that every ticket has; null for the peer's own id.</summary>
    public string? Subject { get; init; }

    /// <summary>What every ticket claims.</summary>
    public ImmutableSortedDictionary<string, JsonElement> Claims { get; init; } =
        ImmutableSortedDictionary.Create<string, JsonElement>(StringComparer.Ordinal);

    /// <summary>Whether tickets may live for ever.</summary>
    public bool AllowsNonExpiring { get; init; }

    /// <summary>The longest life.</summary>
    public TimeSpan? MaxLifetime { get; init; }

    /// <summary>The longest time since issue.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>How far the clocks of issuers may be off.</summary>
    public TimeSpan ClockSkew { get; init; }

    private static ImmutableSortedSet<string> Ordinal { get; } =
        ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>The keys to try now.</summary>
    public ImmutableArray<JwtKey> CurrentKeys => Ring?.Snapshot ?? Keys;

    /// <summary>
    /// 32 bytes that stand for all of it. Every field and every list is preceded by its length, so that no two
    /// configurations have the same; keys are there as fingerprints.
    /// </summary>
    public byte[] ToSignature()
    {
        var hash = new CanonicalHash("mosaik jwt validator v1");
        if (Ring is { } ring)
        {
            hash.Append("ring").Append(ring.Name);
        }
        else
        {
            hash.Append("keys");
            AppendAll(hash, Keys.Select(static key => FieldOf(key)));
        }

        AppendAll(hash, Issuers.Select(Encoding.UTF8.GetBytes));
        AppendAll(hash, Audiences.Select(Encoding.UTF8.GetBytes));
        AppendAll(hash, Subject is null ? [] : [Encoding.UTF8.GetBytes(Subject)]);
        AppendAll(hash, Claims.Select(static claim => FieldOf(claim.Key, claim.Value)));
        hash.AppendCount(AllowsNonExpiring ? 1 : 0);
        AppendTime(hash, MaxLifetime);
        AppendTime(hash, MaxAge);
        AppendTime(hash, ClockSkew);
        return hash.ToDigest();
    }

    private static void AppendAll(CanonicalHash hash, IEnumerable<byte[]> fields)
    {
        // Sorted, since the order in which alternatives were named changes nothing.
        var sorted = fields.OrderBy(Convert.ToHexString, StringComparer.Ordinal).ToList();
        hash.AppendCount(sorted.Count);
        sorted.ForEach(field => hash.Append(field));
    }

    private static void AppendTime(CanonicalHash hash, TimeSpan? time)
    {
        hash.AppendCount(time is null ? 0 : 1);
        hash.AppendNumber((ulong)(time?.Ticks ?? 0));
    }

    private static byte[] FieldOf(JwtKey key) =>
        new CanonicalHash("key").Append(key.Fingerprint.Span).Append(key.KeyId ?? "").ToBytes();

    private static byte[] FieldOf(string name, JsonElement value) =>
        new CanonicalHash("claim").Append(name).Append(Canonical(value)).ToBytes();

    /// <summary>The value without white space, with the names of objects in order.</summary>
    private static byte[] Canonical(JsonElement value)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            Write(writer, value);
        }

        return output.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (
                    var member in value.EnumerateObject().OrderBy(static m => m.Name, StringComparer.Ordinal)
                )
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
