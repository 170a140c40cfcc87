using System.Buffers.Binary;
using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>What a slot says.</summary>
/// <param name="Sequence">The higher one is newer.</param>
/// <param name="Peer">Whose store it is.</param>
/// <param name="Group">Which group's store it is.</param>
/// <param name="Batch">The acknowledged watermark: every batch up to this one was durable.</param>
/// <param name="Last">The last entry after that batch.</param>
/// <param name="IsClosed">True when the store was closed, with everything in it durable.</param>
/// <param name="Durability">How the store was opened.</param>
/// <param name="Boot">Which run of the operating system wrote it; zero when unknown.</param>
/// <param name="Hard">The hard state after that batch.</param>
internal sealed record StateSlot(
    ulong Sequence,
    PeerId Peer,
    GroupId Group,
    ulong Batch,
    LogPosition Last,
    bool IsClosed,
    Durability Durability,
    Guid Boot,
    HardState? Hard
);

/// <summary>The file STATE: two slots, of which one is always whole.</summary>
/// <remarks>
/// The log itself carries every hard state. This file is what the log is held against: it says how much there must
/// be (rule 16), and lives apart so that one lost file can't hide its own loss. A slot that is flushed becomes the
/// anchor and is not touched until the other one is flushed; between flushes only the other one is written.
/// </remarks>
internal sealed class StateSlots : IDisposable
{
    public const string Name = "STATE";
    private const string TemporaryName = "STATE.tmp";
    private const int SlotSize = 512;
    private const int SlotDistance = 4096;
    private const uint Version = 1;

    private readonly StoreFile _file;
    private readonly byte[] _buffer = new byte[SlotSize];
    private int _anchor;

    private StateSlots(StoreFile file, int anchor) => (_file, _anchor) = (file, anchor);

    private static ReadOnlySpan<byte> Magic => "MOSAIKST"u8;

    /// <summary>Makes the file, durably, with both slots saying the same.</summary>
    public static StateSlots Create(StoreFiles files, StateSlot slot)
    {
        var bytes = new byte[SlotDistance + SlotSize];
        Write(slot, bytes);
        Write(slot, bytes.AsSpan(SlotDistance));
        using (var file = files.Create(TemporaryName))
        {
            file.Write(bytes, 0);
            file.Flush();
        }

        files.Rename(TemporaryName, Name);
        files.SyncDirectory();
        return new StateSlots(files.Open(Name, writable: true), 0);
    }

    /// <summary>Reads the newest slot that is whole.</summary>
    /// <exception cref="StorageException">None is, or a newer version wrote one.</exception>
    public static StateSlot Read(StoreFiles files, out int place)
    {
        using var file = files.Open(Name, writable: false);
        var first = Read(file, 0);
        var second = Read(file, SlotDistance);
        if (first is null && second is null)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                "Both slots of the hard state are damaged. " + Advice.Damaged,
                file.Path,
                0
            );
        }

        place = second is null || (first is not null && first.Sequence >= second.Sequence) ? 0 : 1;
        return (place == 0 ? first : second)!;
    }

    /// <summary>Opens the file to go on from the slot that was read.</summary>
    public static StateSlots Open(StoreFiles files, int place) =>
        new(files.Open(Name, writable: true), place);

    /// <summary>Replaces the slot that is no anchor.</summary>
    /// <param name="slot">A higher sequence than before.</param>
    /// <param name="flush">True: durable on return, and the new anchor.</param>
    public void Write(StateSlot slot, bool flush)
    {
        Write(slot, _buffer);
        _file.Write(_buffer, (1 - _anchor) * SlotDistance);
        if (flush)
        {
            _file.Flush();
            _anchor = 1 - _anchor;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static void Write(StateSlot slot, Span<byte> destination)
    {
        destination[..SlotSize].Clear();
        Magic.CopyTo(destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], SlotSize);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], slot.Sequence);
        slot.Peer.CopyTo(destination[24..]);
        slot.Group.CopyTo(destination[56..]);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[88..], slot.Batch);
        RecordForm.Write(slot.Last, destination[96..]);
        destination[112] = slot.IsClosed ? (byte)1 : (byte)0;
        destination[113] = (byte)slot.Durability;
        slot.Boot.TryWriteBytes(destination[120..]);
        if (slot.Hard is { } hard)
        {
            destination[136] = 1;
            StoredForm.Write(hard, destination[144..]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(
            destination[(SlotSize - 4)..],
            Crc32C.Of(destination[..(SlotSize - 4)])
        );
    }

    private static StateSlot? Read(StoreFile file, long offset)
    {
        var bytes = new byte[SlotSize];
        var source = bytes.AsSpan();
        if (
            file.Read(bytes, offset) < SlotSize
            || !source[..8].SequenceEqual(Magic)
            || BinaryPrimitives.ReadUInt32LittleEndian(source[(SlotSize - 4)..])
                != Crc32C.Of(source[..(SlotSize - 4)])
        )
        {
            return null;
        }

        RecordForm.CheckVersion(BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), Version, file.Path);
        return new StateSlot(
            BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
            PeerId.FromBytes(source.Slice(24, 32)),
            GroupId.FromBytes(source.Slice(56, 32)),
            BinaryPrimitives.ReadUInt64LittleEndian(source[88..]),
            RecordForm.ReadPosition(source[96..]),
            source[112] == 1,
            (Durability)source[113],
            new Guid(source.Slice(120, 16)),
            source[136] == 1 ? StoredForm.ReadHardState(source[144..]) : null
        );
    }
}
