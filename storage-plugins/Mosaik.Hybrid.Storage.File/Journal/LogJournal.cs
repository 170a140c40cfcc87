using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>The log on its way to the disk: batches, new segments, a new base, the end.</summary>
/// <remarks>
/// One thread at a time calls <see cref="Write"/>, <see cref="Compact"/>, <see cref="Drain"/> and
/// <see cref="Close"/>. What readers see (extent, marks, segments) changes under <see cref="Gate"/>, and only when a
/// batch is as durable as was asked for. Whatever throws leaves the journal unusable: nobody knows then what reached
/// the disk, so nothing is tried again.
/// </remarks>
internal sealed class LogJournal
{
    private readonly StoreFiles _files;
    private readonly FileLogOptions _options;
    private readonly SegmentPool _pool;
    private readonly StateSlots _slots;
    private readonly BatchEncoder _encoder = new();
    private readonly List<Segment> _segments;
    private Segment _current;
    private PeerId _peer;
    private GroupId _group;
    private ulong _batch;
    private ulong _slotSequence;
    private ulong _salt;

    /// <summary>Goes on from what recovery found.</summary>
    public LogJournal(StoreFiles files, FileLogOptions options, RecoveredJournal recovered)
    {
        _files = files;
        _options = options;
        _pool = recovered.Pool;
        _slots = recovered.Slots;
        _segments = recovered.Segments;
        (_peer, _group) = (recovered.Peer, recovered.Group);
        _batch = recovered.LastBatch;
        _slotSequence = recovered.SlotSequence;
        Extent = recovered.Extent;
        Marks = recovered.Marks;
        _current = _segments[^1];
        _salt = recovered.Salt;
        _encoder.Begin(_current, _salt, recovered.Offset, recovered.Chain);
    }

    /// <summary>Guards what readers see.</summary>
    public Lock Gate { get; } = new();

    /// <summary>What the log is; guarded by <see cref="Gate"/>.</summary>
    public LogExtent Extent { get; }

    /// <summary>Where its entries are; guarded by <see cref="Gate"/>.</summary>
    public LogMarks Marks { get; }

    /// <summary>True when completed batches may wait in the process.</summary>
    public bool IsBuffering => _options.Durability == Durability.None;

    /// <summary>Says durably that the store is in use, before anything else is written.</summary>
    public void Begin() => WriteSlot(flush: true, isBegun: true);

    /// <summary>Writes a checked batch.</summary>
    public void Write(in LogWriteBatch batch)
    {
        MakeRoom(BatchEncoder.SizeOf(batch));
        _encoder.BeginBatch();
        if (batch.HardState is { } hard)
        {
            _encoder.Add(hard);
        }

        LogPosition? kept = null;
        if (batch.TruncateFrom is { } first)
        {
            // Only this thread changes the extent, so it may look without the lock.
            kept = new LogPosition(Extent.TermAt(first.Previous), first.Previous);
            _encoder.AddTruncation(kept.Value);
        }

        foreach (var run in batch.Entries.Span)
        {
            foreach (ref readonly var entry in run.Span)
            {
                _encoder.Add(entry);
            }
        }

        Commit();
        lock (Gate)
        {
            Extent.Apply(batch);
            if (kept is { } last)
            {
                Marks.Truncate(last.Index);
            }

            foreach (var mark in _encoder.Marks)
            {
                Marks.Add(mark);
            }
        }

        // The watermark follows the log: never ahead of it, and flushed with every hard state.
        WriteSlot(flush: batch.HardState is not null);
        if (_encoder.Offset > _current.Capacity / 2)
        {
            _pool.Prepare();
        }
    }

    /// <summary>Moves the base, then gives back the segments before it.</summary>
    public void Compact(LogPosition through)
    {
        var keeps = Extent.Keeps(through);
        MakeRoom(RecordForm.BaseSize + RecordForm.CommitSize);
        _encoder.BeginBatch();
        _encoder.AddBase(through, keeps);
        Commit();
        lock (Gate)
        {
            Extent.Compact(through);
            if (keeps && Extent.First <= Extent.Last.Index)
            {
                Marks.DropBefore(Extent.First);
            }
            else
            {
                Marks.Clear();
            }
        }

        if (Marks.Count == 0)
        {
            // The next entry may follow on in the file: it needs a mark of its own.
            _encoder.BreakStretch();
        }

        WriteSlot(flush: false);
        Purge();
    }

    /// <summary>Hands completed batches that wait in the process to the system.</summary>
    public void Drain() => _encoder.Drain();

    /// <summary>Makes everything durable, says so, and closes the files.</summary>
    /// <param name="isSound">False after a failure: then nothing more is written or flushed.</param>
    public void Close(bool isSound)
    {
        try
        {
            if (isSound)
            {
                _encoder.Drain();
                foreach (var segment in _segments.Where(static segment => segment.IsDirty))
                {
                    Flush(segment);
                }

                if (_options.Durability != Durability.Fsync)
                {
                    _files.SyncDirectory();
                }

                WriteSlot(flush: true, isClosed: true);
                // The other slot too: a flipped bit in either then hides nothing.
                WriteSlot(flush: true, isClosed: true);
            }
        }
        finally
        {
            _pool.Dispose();
            _slots.Dispose();
            _segments.ForEach(static segment => segment.Dispose());
        }
    }

    private void Commit()
    {
        _encoder.AddCommit(_batch + 1);
        if (_options.Durability != Durability.None)
        {
            _encoder.Drain();
        }

        if (_options.Durability == Durability.Fsync)
        {
            Flush(_current);
        }

        _batch++;
    }

    private static void Flush(Segment segment)
    {
        segment.File.Flush();
        segment.IsDirty = false;
    }

    private void MakeRoom(long bytes)
    {
        if (_encoder.Offset + bytes <= _current.Capacity)
        {
            return;
        }

        _encoder.Drain();
        var (spare, length) = _pool.Take(SegmentHeader.Size + bytes);
        var number = _current.Number + 1;
        var header = new SegmentHeader(
            number,
            _options.Salts(),
            _peer,
            _group,
            _batch + 1,
            Extent.Base,
            Extent.Last,
            _encoder.Chain,
            Extent.Hard
        );
        _current = Activate(_files, spare, length, header, _options.Durability, out var chain);
        _salt = header.Salt;
        lock (Gate)
        {
            _segments.Add(_current);
        }

        _encoder.Begin(_current, header.Salt, SegmentHeader.Size, chain);
    }

    /// <summary>Makes a spare file a segment. Its head is durable before it has the name.</summary>
    public static Segment Activate(
        StoreFiles files,
        string spare,
        long length,
        SegmentHeader header,
        Durability durability,
        out uint chain
    )
    {
        var bytes = new byte[SegmentHeader.Size];
        chain = header.Write(bytes);
        using (var file = files.Open(spare, writable: true))
        {
            file.Write(bytes, 0);
            if (durability == Durability.Fsync)
            {
                file.Flush();
            }
        }

        files.Rename(spare, Segment.NameOf(header.Number));
        if (durability == Durability.Fsync)
        {
            files.SyncDirectory();
        }

        var opened = files.Open(Segment.NameOf(header.Number), writable: true);
        return new Segment(header.Number, opened, length) { IsDirty = durability != Durability.Fsync };
    }

    /// <summary>Gives back segments that hold nothing after the base, oldest first.</summary>
    private void Purge()
    {
        var needed = Marks.Count > 0 ? Marks.Lowest.Segment.Number : _current.Number;
        var isAnyGone = false;
        while (_segments[0].Number < needed)
        {
            var oldest = _segments[0];
            bool isUnused;
            lock (Gate)
            {
                _segments.RemoveAt(0);
                isUnused = oldest.Drop();
            }

            _pool.GiveBack(oldest.Name, oldest.Capacity, isUnused);
            isAnyGone = true;
        }

        if (isAnyGone)
        {
            // Before any of these files is written anew under another name.
            _files.SyncDirectory();
        }
    }

    private void WriteSlot(bool flush, bool isClosed = false, bool isBegun = false)
    {
        var slot = new StateSlot(
            ++_slotSequence,
            _peer,
            _group,
            _batch,
            Extent.Last,
            isClosed,
            _options.Durability,
            _options.Boot,
            Extent.Hard
        );
        // That a store is in use, and that it is closed, are durable whatever the option says: they decide what the
        // next open may believe.
        _slots.Write(slot, flush && (isClosed || isBegun || _options.Durability == Durability.Fsync));
    }
}
