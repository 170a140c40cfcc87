using System.Buffers.Binary;

namespace Mosaik.Hybrid.Storage.Files;

/// <summary>How much of a log was acknowledged.</summary>
/// <param name="Batch">How many batches were durable: writes and compactions, counted over the store's whole life.</param>
/// <param name="Last">The last entry after them.</param>
internal readonly record struct Watermark(ulong Batch, LogPosition Last);

/// <summary>The file WATERMARK: what the log is held against when the store is opened.</summary>
/// <remarks>
/// Apart from the log, so that a log which has lost its end can't hide the loss (rule 16). Written after each batch,
/// never ahead of the log; flushed with every hard state and when the store is opened and closed. After the death of
/// the process it is exact. After a power loss it may be as old as the last flush, never wrong.
/// </remarks>
internal sealed class WatermarkFile(StoreFiles files) : IDisposable
{
    public const string Name = "WATERMARK";

    private static readonly SlotForm s_form = new(Name, "MOSAIKWM", 1);

    private readonly byte[] _content = new byte[3 * sizeof(ulong)];
    private Slot? _read;
    private SlotFile? _slots;
    private ulong _sequence;

    /// <summary>What it says; null when there is no file, which is so before the first <see cref="Begin"/> only.</summary>
    /// <exception cref="StorageException">Both slots are damaged, or a newer version wrote one.</exception>
    public Watermark? Read()
    {
        if (!files.List().Contains(Name))
        {
            return null;
        }

        _read =
            SlotFile.Read(files, s_form)
            ?? throw new StorageException(
                StorageFault.Corrupt,
                "Both slots of the watermark are damaged. " + Advice.Damaged,
                files.PathOf(Name),
                0
            );
        var content = _read.Content.Span;
        return new Watermark(
            BinaryPrimitives.ReadUInt64LittleEndian(content),
            new LogPosition(
                new Term(BinaryPrimitives.ReadUInt64LittleEndian(content[8..])),
                new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(content[16..]))
            )
        );
    }

    /// <summary>Refuses a log that holds less than was acknowledged, or that has no watermark.</summary>
    /// <param name="watermark">What <see cref="Read"/> returned.</param>
    /// <param name="found">What the log holds.</param>
    /// <param name="path">Where the log is.</param>
    /// <exception cref="StorageException">It is one.</exception>
    public void Check(Watermark? watermark, Watermark found, string path)
    {
        if (watermark is not { } acknowledged)
        {
            if (found.Batch > 0)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    "The watermark is missing although there is a log. " + Advice.Damaged,
                    files.PathOf(Name)
                );
            }
        }
        else if (found.Batch < acknowledged.Batch)
        {
            throw new StorageException(
                StorageFault.Lost,
                $"The log ends at entry {found.Last} with batch {found.Batch}, and this member had acknowledged batch "
                    + $"{acknowledged.Batch}, which ended at entry {acknowledged.Last}. "
                    + Advice.Lost,
                path
            );
        }
    }

    /// <summary>Makes the file if there is none, and opens it for writing: the log was found good.</summary>
    /// <param name="found">What the log holds. It is durable.</param>
    public void Begin(Watermark found)
    {
        if (_read is null)
        {
            Fill(found);
            _slots = SlotFile.Create(files, s_form, ++_sequence, _content);
            return;
        }

        _sequence = _read.Sequence;
        _slots = SlotFile.Open(files, s_form, _read.Place);
        Write(found, flush: true);
    }

    /// <summary>Follows the log, which is durable up to there.</summary>
    public void Write(Watermark watermark, bool flush)
    {
        Fill(watermark);
        _slots!.Write(++_sequence, _content, flush);
    }

    /// <summary>Makes both slots say the same, durably: a flipped bit in either then hides nothing.</summary>
    public void Close(Watermark watermark)
    {
        Write(watermark, flush: true);
        Write(watermark, flush: true);
    }

    /// <inheritdoc/>
    public void Dispose() => _slots?.Dispose();

    private void Fill(Watermark watermark)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_content, watermark.Batch);
        BinaryPrimitives.WriteUInt64LittleEndian(_content.AsSpan(8), watermark.Last.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(_content.AsSpan(16), watermark.Last.Index.Value);
    }
}
