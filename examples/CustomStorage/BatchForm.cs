using Mosaik.Hybrid;
using Mosaik.Hybrid.Storage;

namespace CustomStorage;

/// <summary>Batches as bytes: a kind, what there is of hard state and truncation, then entries with their lengths.</summary>
internal static class BatchForm
{
    private const byte Base = 1;
    private const byte Batch = 2;

    public static byte[] Write(LogPosition through)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Base);
        writer.Write(through.Term.Value);
        writer.Write(through.Index.Value);
        return bytes.ToArray();
    }

    public static byte[] Write(in LogWriteBatch batch)
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Batch);
        writer.Write(batch.HardState is not null);
        if (batch.HardState is { } hard)
        {
            var form = new byte[StoredForm.HardStateSize];
            StoredForm.Write(hard, form);
            writer.Write(form);
        }

        writer.Write(batch.TruncateFrom?.Value ?? 0);
        writer.Write(batch.EntryCount);
        foreach (var run in batch.Entries.ToArray())
        {
            foreach (var entry in run.ToArray())
            {
                var form = new byte[StoredForm.SizeOf(entry)];
                StoredForm.Write(entry, form);
                writer.Write(form.Length);
                writer.Write(form);
            }
        }

        return bytes.ToArray();
    }

    public static bool TryReadBase(ReadOnlyMemory<byte> content, out LogPosition through)
    {
        through = LogPosition.Zero;
        if (content.Span[0] != Base)
        {
            return false;
        }

        using var reader = new BinaryReader(new MemoryStream(content[1..].ToArray()));
        through = new LogPosition(new Term(reader.ReadUInt64()), new LogIndex(reader.ReadUInt64()));
        return true;
    }

    public static LogWriteBatch Read(ReadOnlyMemory<byte> content)
    {
        using var reader = new BinaryReader(new MemoryStream(content[1..].ToArray()));
        var hard = reader.ReadBoolean()
            ? StoredForm.ReadHardState(reader.ReadBytes(StoredForm.HardStateSize))
            : null;
        var truncateFrom = reader.ReadUInt64();
        var entries = new LogEntry[reader.ReadInt32()];
        ProposerId? proposer = null;
        for (var place = 0; place < entries.Length; place++)
        {
            if (!StoredForm.TryRead(reader.ReadBytes(reader.ReadInt32()), ref proposer, out entries[place]))
            {
                throw new StorageException(StorageFault.Corrupt, "An entry makes no sense.");
            }
        }

        return new LogWriteBatch(
            hard,
            truncateFrom == 0 ? null : new LogIndex(truncateFrom),
            new ReadOnlyMemory<LogEntry>[] { entries }
        );
    }
}
