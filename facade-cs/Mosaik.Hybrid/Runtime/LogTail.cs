using System.Buffers;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>The newest entries of the log in memory, as they were appended: what is sent and applied comes from here.</summary>
/// <remarks>
/// Used by the group loop only. Holds views of the arrays that entries came in, so keeping them costs no copy.
/// What is older is read from the store.
/// </remarks>
internal sealed class LogTail
{
    private readonly int _entriesMax;
    private readonly long _bytesMax;

    /// <summary>Runs of consecutive entries, oldest first, from <see cref="_head"/> on.</summary>
    private readonly List<ReadOnlyMemory<LogEntry>> _runs = [];
    private int _head;
    private int _entries;
    private long _bytes;

    /// <summary>Creates an empty tail.</summary>
    /// <param name="entriesMax">How many entries are kept.</param>
    /// <param name="bytesMax">How many payload bytes are kept.</param>
    public LogTail(int entriesMax = 262_144, long bytesMax = 128L * 1024 * 1024)
    {
        _entriesMax = entriesMax;
        _bytesMax = bytesMax;
    }

    /// <summary>The first index that is here; one after the last when nothing is.</summary>
    public LogIndex First => _head < _runs.Count ? _runs[_head].Span[0].Index : LogIndex.Zero;

    /// <summary>True when every index of the range is here.</summary>
    public bool Holds(LogRange range) => _head < _runs.Count && range.First >= First;

    /// <summary>Adds entries that follow on.</summary>
    public void Append(ReadOnlyMemory<LogEntry> entries)
    {
        if (entries.IsEmpty)
        {
            return;
        }

        _runs.Add(entries);
        _entries += entries.Length;
        _bytes += BytesOf(entries.Span);
        while (_runs.Count - _head > 1 && (_entries > _entriesMax || _bytes > _bytesMax))
        {
            Drop(_runs[_head]);
            _runs[_head] = default;
            _head++;
        }

        if (_head > 1024 && _head > _runs.Count / 2)
        {
            _runs.RemoveRange(0, _head);
            _head = 0;
        }
    }

    /// <summary>Removes the entries from an index on.</summary>
    public void TruncateFrom(LogIndex index)
    {
        while (_runs.Count > _head && _runs[^1].Span[0].Index >= index)
        {
            Drop(_runs[^1]);
            _runs.RemoveAt(_runs.Count - 1);
        }

        if (_runs.Count > _head && _runs[^1].Span[^1].Index >= index)
        {
            var last = _runs[^1];
            var kept = (int)(index.Value - last.Span[0].Index.Value);
            Drop(last[kept..]);
            _runs[^1] = last[..kept];
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        _runs.Clear();
        _head = 0;
        _entries = 0;
        _bytes = 0;
    }

    /// <summary>Adds the views that make up a range, which must be here.</summary>
    public void Collect(LogRange range, List<ReadOnlyMemory<LogEntry>> destination)
    {
        var place = FindRun(range.First);
        var next = range.First;
        while (next <= range.Last)
        {
            var run = _runs[place++];
            var from = (int)(next.Value - run.Span[0].Index.Value);
            var count = (int)Math.Min((ulong)(run.Length - from), range.Last.Value - next.Value + 1);
            destination.Add(run.Slice(from, count));
            next = next.Plus(count);
        }
    }

    private int FindRun(LogIndex index)
    {
        var low = _head;
        var high = _runs.Count - 1;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if (_runs[middle].Span[0].Index <= index)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        return low;
    }

    private void Drop(ReadOnlyMemory<LogEntry> entries)
    {
        _entries -= entries.Length;
        _bytes -= BytesOf(entries.Span);
    }

    private static long BytesOf(ReadOnlySpan<LogEntry> entries)
    {
        long bytes = 0;
        foreach (ref readonly var entry in entries)
        {
            bytes += entry.Payload.Length;
        }

        return bytes;
    }
}
