namespace Mosaik.Hybrid.Storage;

/// <summary>Consecutive entries in segments of fixed length, so that growing copies no entry.</summary>
/// <remarks>
/// Not safe for threads; the log holds its lock around every call. A slot that has been read is never written
/// again: a truncation inside a segment copies what it keeps, so views that readers hold stay as they were.
/// </remarks>
internal sealed class EntrySegments
{
    /// <summary>Entries in a segment: 64 KiB of them, which stays below the large object heap.</summary>
    public const int SegmentLength = 1024;

    private readonly List<LogEntry[]> _segments = [];
    private int _count;

    /// <summary>The index of the first slot of the first segment.</summary>
    private ulong _start = 1;

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
        var kept = (int)Math.Min((ulong)_count, first.Value - _start);
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

    /// <summary>Gives back the segments that end before an index.</summary>
    public void DropBefore(LogIndex first)
    {
        var dropped = (int)((first.Value - _start) / SegmentLength);
        _segments.RemoveRange(0, dropped);
        _start += (ulong)dropped * SegmentLength;
        _count -= dropped * SegmentLength;
    }

    /// <summary>Forgets everything; the next entry has this index.</summary>
    public void BeginAt(LogIndex first)
    {
        _segments.Clear();
        _count = 0;
        _start = first.Value;
    }

    /// <summary>A view from the start of a range to its end, to the end of a segment or to the limit.</summary>
    public ReadOnlyMemory<LogEntry> Read(LogRange range, int bytesMax)
    {
        var start = (int)(range.First.Value - _start);
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
}
