using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>Opens a directory: makes it, or reads all of it and decides whether it can be believed.</summary>
/// <remarks>
/// Nothing is written before everything has been read and found good. What a crash explains is a last batch that is
/// not whole: it is cut off, unless the watermark says that it was acknowledged. All else is refused.
/// </remarks>
internal sealed class JournalRecovery(StoreFiles files, FileLogOptions options, PeerId peer, GroupId group)
{
    private readonly List<string> _repairs = [];
    private readonly List<Segment> _segments = [];
    private readonly List<string> _leftovers = [];
    private readonly LogReplay _replay = new();
    private byte[] _content = [];

    /// <summary>What was changed, each in a sentence.</summary>
    public IReadOnlyList<string> Repairs => _repairs;

    /// <summary>Recovers. The lock is held.</summary>
    /// <exception cref="StorageException">The directory can't be believed, or read.</exception>
    public RecoveredJournal Run()
    {
        try
        {
            return Recover();
        }
        catch
        {
            _segments.ForEach(static segment => segment.Dispose());
            throw;
        }
    }

    private RecoveredJournal Recover()
    {
        var names = files.List();
        var numbers = SegmentNumbers(names);
        if (!names.Contains(StateSlots.Name))
        {
            if (numbers.Count > 0)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    "The hard state is missing although there is a log. " + Advice.Damaged,
                    files.PathOf(StateSlots.Name)
                );
            }

            return Found(names);
        }

        var slot = StateSlots.Read(files, out var place);
        Advice.CheckOwner(peer, group, slot.Peer, slot.Group, files.PathOf(StateSlots.Name));
        CheckEnd(slot);
        if (numbers.Count == 0)
        {
            return slot.Batch == 0
                ? BeginLog(names, StateSlots.Open(files, place), slot.Sequence)
                : throw Gone();
        }

        return Replay(names, numbers, slot, place);
    }

    /// <summary>A new store: the hard state's file first, so that a log without one is always a loss.</summary>
    private RecoveredJournal Found(IReadOnlyList<string> names)
    {
        var slot = new StateSlot(
            1,
            peer,
            group,
            0,
            LogPosition.Zero,
            false,
            options.Durability,
            options.Boot,
            null
        );
        return BeginLog(names, StateSlots.Create(files, slot), slot.Sequence);
    }

    private RecoveredJournal BeginLog(IReadOnlyList<string> names, StateSlots slots, ulong slotSequence)
    {
        var pool = new SegmentPool(files, options.SegmentBytes, options.SpareSegmentsMax);
        pool.Recover(names);
        var header = new SegmentHeader(
            1,
            options.Salts(),
            peer,
            group,
            1,
            LogPosition.Zero,
            LogPosition.Zero,
            0,
            null
        );
        var (spare, length) = pool.Take(SegmentHeader.Size);
        var segment = LogJournal.Activate(files, spare, length, header, Durability.Fsync, out var chain);
        _segments.Add(segment);
        return Recovered(pool, slots, header.Salt, SegmentHeader.Size, chain, 0, slotSequence);
    }

    private RecoveredJournal Replay(
        IReadOnlyList<string> names,
        List<ulong> numbers,
        StateSlot slot,
        int place
    )
    {
        var scanner = Scan(numbers, slot, out var header);
        CheckWhole(numbers[0]);
        CheckTail(scanner, slot);
        // Everything was found good: from here on the directory may change.
        if (_segments[^1].IsDirty)
        {
            // What a killed process had written and not flushed is read back from the cache: durable only now.
            _segments[^1].File.Flush();
            _segments[^1].IsDirty = false;
        }

        foreach (var leftover in _leftovers)
        {
            files.Delete(leftover);
            _repairs.Add($"Removed {leftover}, which a compaction had left.");
        }

        var pool = new SegmentPool(files, options.SegmentBytes, options.SpareSegmentsMax);
        pool.Recover(names);
        return Recovered(
            pool,
            StateSlots.Open(files, place),
            header.Salt,
            scanner.Offset,
            scanner.Chain,
            scanner.NextBatch - 1,
            slot.Sequence
        );
    }

    private RecoveredJournal Recovered(
        SegmentPool pool,
        StateSlots slots,
        ulong salt,
        long offset,
        uint chain,
        ulong lastBatch,
        ulong slotSequence
    ) =>
        new()
        {
            Peer = peer,
            Group = group,
            Pool = pool,
            Slots = slots,
            Segments = _segments,
            Extent = _replay.Extent,
            Marks = _replay.Marks,
            Salt = salt,
            Offset = offset,
            Chain = chain,
            LastBatch = lastBatch,
            SlotSequence = slotSequence,
        };

    /// <summary>The segments that follow on to the newest; older ones behind a gap are what a compaction left.</summary>
    private List<ulong> SegmentNumbers(IReadOnlyList<string> names)
    {
        var all = new List<ulong>();
        foreach (var name in names)
        {
            if (Segment.TryParse(name, out var number))
            {
                all.Add(number);
            }
        }

        all.Sort();
        var first = all.Count - 1;
        while (first > 0 && all[first - 1] == all[first] - 1)
        {
            first--;
        }

        if (first > 0)
        {
            _leftovers.AddRange(all.Take(first).Select(Segment.NameOf));
            all.RemoveRange(0, first);
        }

        return all;
    }

    private SegmentScanner Scan(List<ulong> numbers, StateSlot slot, out SegmentHeader header)
    {
        var scanner = OpenSegment(numbers[0], out header);
        _replay.Begin(header);
        foreach (var number in numbers.Skip(1))
        {
            var bytes = new byte[SegmentHeader.Size];
            using (var file = files.Open(Segment.NameOf(number), writable: false))
            {
                file.Read(bytes, 0);
            }

            var next = ReadHeader(bytes, number, out _);
            _replay.Take(scanner, next.FirstBatch);
            if (scanner.NextBatch != next.FirstBatch)
            {
                throw Damaged(scanner);
            }

            if (scanner.Chain != next.PreviousChain)
            {
                throw new StorageException(
                    StorageFault.Corrupt,
                    "This segment does not follow on from the one before it. " + Advice.Damaged,
                    files.PathOf(Segment.NameOf(number)),
                    0
                );
            }

            scanner = OpenSegment(number, out header);
        }

        _segments[^1].IsDirty = true;
        _replay.Take(scanner, ulong.MaxValue);
        return scanner;
    }

    private SegmentScanner OpenSegment(ulong number, out SegmentHeader header)
    {
        var file = files.Open(Segment.NameOf(number), writable: true);
        var length = file.Length;
        _segments.Add(new Segment(number, file, length));
        if (_content.Length < length)
        {
            _content = GC.AllocateUninitializedArray<byte>(checked((int)length));
        }

        var read = file.Read(_content.AsSpan(0, (int)length), 0);
        header = ReadHeader(_content.AsSpan(0, read), number, out var chain);
        _replay.Enter(_segments[^1]);
        return new SegmentScanner(_content.AsMemory(0, read), header, chain);
    }

    private SegmentHeader ReadHeader(ReadOnlySpan<byte> bytes, ulong number, out uint chain)
    {
        var path = files.PathOf(Segment.NameOf(number));
        var header = SegmentHeader.Read(bytes, path, out chain);
        if (header.Number != number || header.Peer != peer || header.Group != group)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"This file is segment {header.Number} of the log of peer {header.Peer.Short} in group {header.Group.Short}. "
                    + Advice.Damaged,
                path,
                0
            );
        }

        return header;
    }

    /// <summary>How the last run ended decides whether what is here can be all that it had promised.</summary>
    private void CheckEnd(StateSlot slot)
    {
        var isSure =
            slot.IsClosed
            || slot.Durability == Durability.Fsync
            || (
                slot.Durability == Durability.OsCache && slot.Boot == options.Boot && slot.Boot != Guid.Empty
            );
        if (!isSure)
        {
            throw new StorageException(
                StorageFault.Lost,
                $"The store was opened with durability {slot.Durability} and not closed, so what it acknowledged may be gone. "
                    + Advice.Lost,
                files.PathOf(StateSlots.Name)
            );
        }
    }

    /// <summary>Refuses a log whose beginning is not there.</summary>
    private void CheckWhole(ulong firstSegment)
    {
        var extent = _replay.Extent;
        var isWhole =
            extent.First > extent.Last.Index
            || (_replay.Marks.Count > 0 && _replay.Marks.Lowest.First <= extent.First.Value);
        if (!isWhole)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"The log begins after {extent.Base}, and the segment that holds the next entry is missing. "
                    + Advice.Damaged,
                files.PathOf(Segment.NameOf(firstSegment - 1))
            );
        }
    }

    /// <summary>Tells a batch that was cut off by a crash from damage and from loss.</summary>
    private void CheckTail(SegmentScanner scanner, StateSlot slot)
    {
        if (scanner.FindLater() >= 0)
        {
            throw Damaged(scanner);
        }

        if (slot.Batch >= scanner.NextBatch)
        {
            throw scanner.HasRemains ? Damaged(scanner) : Gone(scanner, slot);
        }

        if (scanner.HasRemains)
        {
            _repairs.Add(
                $"Cut off a batch after {_replay.Extent.Last} that had not been written whole and was never "
                    + $"acknowledged ({_segments[^1].File.Path}, offset {scanner.Offset})."
            );
        }
    }

    private StorageException Damaged(SegmentScanner scanner) =>
        new(
            StorageFault.Corrupt,
            $"The log is damaged after entry {_replay.Extent.Last}, before its end. " + Advice.Damaged,
            _segments[^1].File.Path,
            scanner.EndOffset
        );

    private StorageException Gone(SegmentScanner scanner, StateSlot slot) =>
        new(
            StorageFault.Lost,
            $"The log ends at entry {_replay.Extent.Last}, and this member had acknowledged {slot.Last}. "
                + Advice.Lost,
            _segments[^1].File.Path,
            scanner.Offset
        );

    private StorageException Gone() =>
        new(
            StorageFault.Lost,
            "The segments of the log are gone, and the hard state says that there were some. " + Advice.Lost,
            files.PathOf(Segment.NameOf(1))
        );
}
