using System.Runtime.InteropServices;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>A place from which entries can be read, in order, up to the next mark.</summary>
/// <param name="First">The index of the entry there.</param>
/// <param name="Segment">The file.</param>
/// <param name="Offset">Where its record begins.</param>
/// <param name="Chain">The checksum of the record before it.</param>
internal readonly record struct LogMark(ulong First, Segment Segment, long Offset, uint Chain);

/// <summary>Where entries are: a mark for every stretch of the log, not for every entry.</summary>
/// <remarks>Not safe for threads; guarded by the journal's lock.</remarks>
internal sealed class LogMarks
{
    /// <summary>How many bytes a stretch has at most before the next begins.</summary>
    public const long Stride = 32 * 1024;

    private readonly List<LogMark> _marks = [];

    /// <summary>How many there are.</summary>
    public int Count => _marks.Count;

    /// <summary>The lowest mark.</summary>
    public LogMark Lowest => _marks[0];

    /// <summary>Adds a mark behind the others.</summary>
    public void Add(in LogMark mark) => _marks.Add(mark);

    /// <summary>Forgets what is after an index.</summary>
    public void Truncate(LogIndex last)
    {
        while (_marks.Count > 0 && _marks[^1].First > last.Value)
        {
            _marks.RemoveAt(_marks.Count - 1);
        }
    }

    /// <summary>Forgets what is before an index.</summary>
    public void DropBefore(LogIndex first)
    {
        var place = Find(first.Value);
        if (place > 0)
        {
            _marks.RemoveRange(0, place);
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear() => _marks.Clear();

    /// <summary>The mark from which an index can be reached, and the last index that it reaches.</summary>
    public LogMark For(LogIndex index, out ulong last)
    {
        var place = Find(index.Value);
        last = place + 1 < _marks.Count ? _marks[place + 1].First - 1 : ulong.MaxValue;
        return _marks[place];
    }

    private int Find(ulong index)
    {
        var marks = CollectionsMarshal.AsSpan(_marks);
        var low = 0;
        var high = marks.Length - 1;
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if (marks[middle].First <= index)
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
}
