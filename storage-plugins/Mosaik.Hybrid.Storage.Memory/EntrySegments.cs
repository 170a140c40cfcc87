namespace Mosaik.Hybrid.Storage.Memory;

/// <summary>A log from index 1 in segments of fixed length, so that growing copies no entry.</summary>
/// <remarks>
/// Not safe for threads; the store holds its lock around every call. A slot that has been read is never written
/// again: a truncation inside a segment copies what it keeps, so views that readers hold stay as they were.
/// </remarks>
internal sealed class EntrySegments
{
    /// <summary>Entries in a segment: 64 KiB of them, which stays below the large object heap.</summary>
    public const int SegmentLength = 1024;

    private readonly List<LogEntry[]> _segments = [];
    private int _count;

    /// <summary>Term and index of the last entry; zero when there is none.</summary>
    public LogPosition Last => _count == 0 ? LogPosition.Zero : At(_count - 1).Position;

    /// <summary>Term and index of the entry before an index that is inside the log or right after it.</summary>
    public LogPosition PositionBefore(LogIndex index) =>
        index.Value == 1 ? LogPosition.Zero : At((int)(index.Value - 2)).Position;

    /// <summary>Adds entries whose indexes follow the last one.</summary>
    public void Append(ReadOnlySpan<LogEntry> entries)
    {
        while (!entries.IsEmpty)
        {
            var offset = _count % SegmentLength;
            if (offset == 0)
            {
                _segments.Add(new LogEntry[SegmentLength]);
            }

            var taken = Math.Min(entries.Length, SegmentLength - offset);
            entries[..taken].CopyTo(_segments[^1].AsSpan(offset));
            _count += taken;
            entries = entries[taken..];
        }
    }

    /// <summary>Removes an entry and all after it.</summary>
    public void TruncateFrom(LogIndex first)
    {
        var kept = (int)Math.Min((ulong)_count, first.Value - 1);
        if (kept == _count)
        {
            return;
        }

        var segmentsKept = (kept + SegmentLength - 1) / SegmentLength;
        _segments.RemoveRange(segmentsKept, _segments.Count - segmentsKept);
        var offset = kept % SegmentLength;
        if (offset != 0)
        {
            var copy = new LogEntry[SegmentLength];
            _segments[^1].AsSpan(0, offset).CopyTo(copy);
            _segments[^1] = copy;
        }

        _count = kept;
    }

    /// <summary>A view from the start of a range to its end, to the end of a segment or to the limit.</summary>
    public ReadOnlyMemory<LogEntry> Read(LogRange range, int bytesMax)
    {
        var start = (int)(range.First.Value - 1);
        var offset = start % SegmentLength;
        var segment = _segments[start / SegmentLength];
        var end = Math.Min(offset + range.Count, SegmentLength);
        var taken = offset + 1;
        var bytes = (long)segment[offset].Payload.Length;
        while (taken < end && (bytes += segment[taken].Payload.Length) <= bytesMax)
        {
            taken++;
        }

        return segment.AsMemory(offset, taken - offset);
    }

    private ref readonly LogEntry At(int place) =>
        ref _segments[place / SegmentLength][place % SegmentLength];
}
