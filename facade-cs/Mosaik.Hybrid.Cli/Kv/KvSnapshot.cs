using System.Text;

namespace Mosaik.Hybrid.Cli.Kv;

/// <summary>What a value of the map is made of.</summary>
/// <param name="Value">The value.</param>
/// <param name="Version">How many puts the key has had since it was last absent.</param>
internal readonly record struct KvEntry(string Value, long Version);

/// <summary>The map as it was at one moment.</summary>
/// <remarks>
/// puts i64 | deletes i64 | repeats i64 | count i32 | count × (key text | value text | version i64), by key; texts as
/// <see cref="BinaryWriter"/> writes them. The same map gives the same bytes.
/// </remarks>
internal sealed class KvSnapshot(
    KeyValuePair<string, KvEntry>[] entries,
    long puts,
    long deletes,
    long repeats
) : IMachineSnapshot
{
    private const int BufferBytes = 1 << 16;

    /// <inheritdoc/>
    public async ValueTask WriteAsync(Stream destination, CancellationToken cancellationToken)
    {
        Array.Sort(entries, static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        // Gathered, so that the destination gets few and large pieces.
        using var buffer = new MemoryStream(2 * BufferBytes);
        var writer = new BinaryWriter(buffer, Encoding.UTF8);
        writer.Write(puts);
        writer.Write(deletes);
        writer.Write(repeats);
        writer.Write(entries.Length);
        foreach (var (key, entry) in entries)
        {
            writer.Write(key);
            writer.Write(entry.Value);
            writer.Write(entry.Version);
            if (buffer.Length >= BufferBytes)
            {
                await FlushAsync(buffer, destination, cancellationToken);
            }
        }

        await FlushAsync(buffer, destination, cancellationToken);
    }

    /// <summary>Reads what was written.</summary>
    /// <exception cref="IOException">It ends too early, or is no such map.</exception>
    public static (Dictionary<string, KvEntry> Entries, long Puts, long Deletes, long Repeats) Read(
        Stream source
    )
    {
        using var buffered = new BufferedStream(source, BufferBytes);
        using var reader = new BinaryReader(buffered, Encoding.UTF8);
        var (puts, deletes, repeats) = (reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        var count = reader.ReadInt32();
        if (count < 0)
        {
            throw new InvalidDataException($"A map of {count} entries is none.");
        }

        var entries = new Dictionary<string, KvEntry>(StringComparer.Ordinal);
        for (var place = 0; place < count; place++)
        {
            entries.Add(reader.ReadString(), new KvEntry(reader.ReadString(), reader.ReadInt64()));
        }

        return (entries, puts, deletes, repeats);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Holds nothing but memory.
    }

    private static async Task FlushAsync(
        MemoryStream buffer,
        Stream destination,
        CancellationToken cancellationToken
    )
    {
        await destination.WriteAsync(buffer.GetBuffer().AsMemory(0, (int)buffer.Length), cancellationToken);
        buffer.SetLength(0);
    }
}
