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

/// <summary>The file STATE: how much there must be.</summary>
/// <remarks>
/// The log itself carries every hard state. This file is what the log is held against: it says how much there must
/// be (rule 16), and lives apart so that one lost file can't hide its own loss.
/// </remarks>
internal sealed class StateSlots : IDisposable
{
    public const string Name = "STATE";

    private static readonly SlotForm s_form = new(Name, "MOSAIKST", 1);

    private readonly SlotFile _slots;
    private readonly byte[] _content = new byte[SlotFile.ContentSize];

    private StateSlots(SlotFile slots) => _slots = slots;

    /// <summary>Makes the file, durably, with both slots saying the same.</summary>
    public static StateSlots Create(StoreFiles files, StateSlot slot)
    {
        var content = new byte[SlotFile.ContentSize];
        Write(slot, content);
        return new StateSlots(SlotFile.Create(files, s_form, slot.Sequence, content));
    }

    /// <summary>Reads the newest slot that is whole.</summary>
    /// <exception cref="StorageException">None is, or a newer version wrote one.</exception>
    public static StateSlot Read(StoreFiles files, out int place)
    {
        var slot =
            SlotFile.Read(files, s_form)
            ?? throw new StorageException(
                StorageFault.Corrupt,
                "Both slots of the hard state are damaged. " + Advice.Damaged,
                files.PathOf(Name),
                0
            );
        place = slot.Place;
        var content = slot.Content.Span;
        return new StateSlot(
            slot.Sequence,
            PeerId.FromBytes(content[..32]),
            GroupId.FromBytes(content.Slice(32, 32)),
            BinaryPrimitives.ReadUInt64LittleEndian(content[64..]),
            RecordForm.ReadPosition(content[72..]),
            content[88] == 1,
            (Durability)content[89],
            new Guid(content.Slice(96, 16)),
            content[112] == 1 ? StoredForm.ReadHardState(content[120..]) : null
        );
    }

    /// <summary>Opens the file to go on from the slot that was read.</summary>
    public static StateSlots Open(StoreFiles files, int place) => new(SlotFile.Open(files, s_form, place));

    /// <summary>Replaces the slot that is no anchor.</summary>
    /// <param name="slot">A higher sequence than before.</param>
    /// <param name="flush">True: durable on return, and the new anchor.</param>
    public void Write(StateSlot slot, bool flush)
    {
        Write(slot, _content);
        _slots.Write(slot.Sequence, _content, flush);
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    private static void Write(StateSlot slot, Span<byte> content)
    {
        content.Clear();
        slot.Peer.CopyTo(content);
        slot.Group.CopyTo(content[32..]);
        BinaryPrimitives.WriteUInt64LittleEndian(content[64..], slot.Batch);
        RecordForm.Write(slot.Last, content[72..]);
        content[88] = slot.IsClosed ? (byte)1 : (byte)0;
        content[89] = (byte)slot.Durability;
        slot.Boot.TryWriteBytes(content[96..]);
        if (slot.Hard is { } hard)
        {
            content[112] = 1;
            StoredForm.Write(hard, content[120..]);
        }
    }
}
