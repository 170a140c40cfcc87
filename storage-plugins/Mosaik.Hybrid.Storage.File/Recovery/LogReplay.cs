using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>Follows the batches of segments, and knows what the log is after them.</summary>
internal sealed class LogReplay
{
    private readonly List<ScannedRecord> _records = [];
    private Segment _segment = null!;
    private long _lastMark = long.MinValue;

    /// <summary>What the log is.</summary>
    public LogExtent Extent { get; } = new();

    /// <summary>Where its entries are.</summary>
    public LogMarks Marks { get; } = new();

    /// <summary>The records of the batches that were taken, commits among them.</summary>
    public long Records { get; private set; }

    /// <summary>Begins with the first segment that is there.</summary>
    public void Begin(SegmentHeader header)
    {
        Extent.Begin(header.Base, header.Last);
        if (header.Hard is { } hard)
        {
            Extent.Replace(hard);
        }
    }

    /// <summary>Goes on in a segment.</summary>
    public void Enter(Segment segment)
    {
        _segment = segment;
        _lastMark = long.MinValue;
    }

    /// <summary>Takes the whole batches of a segment, up to a sequence number that begins the next segment.</summary>
    public void Take(SegmentScanner scanner, ulong end)
    {
        while (scanner.NextBatch < end && scanner.TryRead(_records))
        {
            Records += _records.Count + 1;
            foreach (var record in _records)
            {
                Take(record, scanner.BodyOf(record));
            }
        }
    }

    private void Take(in ScannedRecord record, ReadOnlySpan<byte> body)
    {
        switch (record.Kind)
        {
            case RecordKind.Entry when body.Length >= 40:
                TakeEntry(record, body);
                break;
            case RecordKind.HardState when StoredForm.ReadHardState(body) is { } hard:
                Extent.Replace(hard);
                break;
            case RecordKind.Truncate when body.Length == 16:
                var last = RecordForm.ReadPosition(body);
                Extent.Truncate(last);
                Marks.Truncate(last.Index);
                _lastMark = long.MinValue;
                break;
            case RecordKind.Base when body.Length == 24:
                TakeBase(RecordForm.ReadPosition(body), body[16] == 1);
                break;
            default:
                throw new StorageException(
                    StorageFault.Corrupt,
                    "A record of the log makes no sense although its checksum holds. " + Advice.Damaged,
                    _segment.File.Path,
                    record.Offset
                );
        }
    }

    private void TakeEntry(in ScannedRecord record, ReadOnlySpan<byte> body)
    {
        var position = StoredForm.ReadHead(body, out var kind);
        if (position.Index != Extent.Last.Index.Next || position.Term < Extent.Last.Term)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"Entry {position} can't follow {Extent.Last}. " + Advice.Damaged,
                _segment.File.Path,
                record.Offset
            );
        }

        if (_lastMark < 0 || record.Offset - _lastMark >= LogMarks.Stride)
        {
            _lastMark = record.Offset;
            Marks.Add(new LogMark(position.Index.Value, _segment, record.Offset, record.Chain));
        }

        Extent.Append(position.Index, position.Term, kind);
    }

    private void TakeBase(LogPosition through, bool keeps)
    {
        if (keeps)
        {
            Extent.MoveBase(through);
            if (Extent.First <= Extent.Last.Index)
            {
                Marks.DropBefore(Extent.First);
                return;
            }
        }
        else
        {
            Extent.Begin(through);
        }

        Marks.Clear();
        _lastMark = long.MinValue;
    }
}
