namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>Turns batches into records and records into few large writes. Allocates nothing per entry or batch.</summary>
/// <remarks>Used by the writer only.</remarks>
internal sealed class BatchEncoder
{
    private const int BufferBytes = 1024 * 1024;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
    private readonly byte[] _zeros = new byte[RecordForm.Alignment];
    private readonly List<LogMark> _marks = [];
    private Segment _segment = null!;
    private ulong _salt;
    private uint _chain;
    private int _buffered;
    private long _flushedTo;
    private long _lastMark = long.MinValue;
    private int _records;

    /// <summary>Where the next record begins.</summary>
    public long Offset => _flushedTo + _buffered;

    /// <summary>The checksum of the last record.</summary>
    public uint Chain => _chain;

    /// <summary>The marks of the batch that was written last.</summary>
    public List<LogMark> Marks => _marks;

    /// <summary>How many bytes a batch takes.</summary>
    public static long SizeOf(in LogWriteBatch batch)
    {
        long size = RecordForm.CommitSize;
        size += batch.HardState is null ? 0 : RecordForm.HardStateSize;
        size += batch.TruncateFrom is null ? 0 : RecordForm.TruncateSize;
        foreach (var run in batch.Entries.Span)
        {
            foreach (ref readonly var entry in run.Span)
            {
                size += RecordForm.SizeOf(StoredForm.SizeOf(entry));
            }
        }

        return size;
    }

    /// <summary>Goes on in a segment.</summary>
    public void Begin(Segment segment, ulong salt, long offset, uint chain)
    {
        (_segment, _salt, _flushedTo, _chain) = (segment, salt, offset, chain);
        _buffered = 0;
        _lastMark = long.MinValue;
    }

    /// <summary>The next entry gets a mark of its own.</summary>
    public void BreakStretch() => _lastMark = long.MinValue;

    /// <summary>Begins a batch.</summary>
    public void BeginBatch()
    {
        _marks.Clear();
        _records = 0;
    }

    /// <summary>Adds a hard state.</summary>
    public void Add(HardState hard)
    {
        var record = Reserve(RecordForm.HardStateSize, RecordKind.HardState);
        StoredForm.Write(hard, record[RecordForm.HeadSize..]);
        Seal(record);
    }

    /// <summary>Adds a truncation.</summary>
    public void AddTruncation(LogPosition last)
    {
        var record = Reserve(RecordForm.TruncateSize, RecordKind.Truncate);
        RecordForm.Write(last, record[RecordForm.HeadSize..]);
        Seal(record);
        _lastMark = long.MinValue;
    }

    /// <summary>Adds a new base.</summary>
    public void AddBase(LogPosition through, bool keeps)
    {
        var record = Reserve(RecordForm.BaseSize, RecordKind.Base);
        RecordForm.Write(through, record[RecordForm.HeadSize..]);
        record[RecordForm.HeadSize + 16] = keeps ? (byte)1 : (byte)0;
        record.Slice(RecordForm.HeadSize + 17, 7).Clear();
        Seal(record);
        _lastMark = keeps ? _lastMark : long.MinValue;
    }

    /// <summary>Adds an entry.</summary>
    public void Add(in LogEntry entry)
    {
        if (_lastMark < 0 || Offset - _lastMark >= LogMarks.Stride)
        {
            _lastMark = Offset;
            _marks.Add(new LogMark(entry.Index.Value, _segment, Offset, _chain));
        }

        var body = StoredForm.SizeOf(entry);
        var size = RecordForm.SizeOf(body);
        var padding = (int)(size - RecordForm.HeadSize - body);
        if (size > BufferBytes)
        {
            AddLarge(entry, size, padding);
            return;
        }

        var record = Reserve((int)size, RecordKind.Entry, padding);
        StoredForm.Write(entry, record[RecordForm.HeadSize..]);
        record[^padding..].Clear();
        Seal(record);
    }

    /// <summary>Ends the batch.</summary>
    public void AddCommit(ulong sequence)
    {
        var record = Reserve(RecordForm.CommitSize, RecordKind.Commit);
        RecordForm.WriteCommit(record[RecordForm.HeadSize..], _salt, sequence, _records - 1);
        Seal(record);
    }

    /// <summary>Hands what is buffered to the system.</summary>
    public void Drain()
    {
        if (_buffered > 0)
        {
            _segment.IsDirty = true;
            _segment.File.Write(_buffer.AsSpan(0, _buffered), _flushedTo);
            _flushedTo += _buffered;
            _buffered = 0;
        }
    }

    /// <summary>An entry larger than the buffer: its payload goes to the file as it is.</summary>
    private void AddLarge(in LogEntry entry, long size, int padding)
    {
        Drain();
        _records++;
        var head = _buffer.AsSpan(0, RecordForm.HeadSize + StoredForm.PrefixSizeOf(entry));
        RecordForm.WriteHead(head, size, _salt, RecordKind.Entry, padding);
        StoredForm.WritePrefix(entry, head[RecordForm.HeadSize..]);
        _chain = Crc32C.Append(_chain, head[4..]);
        _chain = Crc32C.Append(_chain, entry.Payload.Span);
        _chain = Crc32C.Append(_chain, _zeros.AsSpan(0, padding));
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(head, _chain);
        _segment.IsDirty = true;
        _segment.File.Write(head, _flushedTo);
        _segment.File.Write(entry.Payload.Span, _flushedTo + head.Length);
        _segment.File.Write(_zeros.AsSpan(0, padding), _flushedTo + size - padding);
        _flushedTo += size;
    }

    private Span<byte> Reserve(int size, RecordKind kind, int padding = 0)
    {
        if (size > BufferBytes - _buffered)
        {
            Drain();
        }

        _records++;
        var record = _buffer.AsSpan(_buffered, size);
        RecordForm.WriteHead(record, size, _salt, kind, padding);
        _buffered += size;
        return record;
    }

    private void Seal(Span<byte> record) => _chain = RecordForm.Seal(record, _chain);
}
