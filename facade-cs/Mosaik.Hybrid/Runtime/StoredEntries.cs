using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Reads entries that memory no longer holds: for members that are far behind, and for the machine after a restart.</summary>
/// <remarks>
/// Used by the group loop only; what takes time comes back to it as an item. A read for a member counts only
/// while this node still leads in the same term: then its log has only grown, and the entries are still its own.
/// </remarks>
internal sealed class StoredEntries(
    ILogStorage storage,
    LogTail tail,
    MachineApplier applier,
    Action<object> post,
    CancellationToken cancellationToken
)
{
    private const int ReadBytesMax = 4 * 1024 * 1024;

    private readonly List<ReadOnlyMemory<LogEntry>> _views = [];
    private LogIndex _applyNext = LogIndex.Zero.Next;
    private LogIndex _applyLast = LogIndex.Zero;
    private bool _isReadingForApply;

    /// <summary>Begins to read a range for a member.</summary>
    public void BeginRead(long link, AppendHeader header, LogRange range)
    {
        _ = AwaitAsync(ReadWholeAsync(range), entries => new EntriesRead(link, header, entries));
    }

    /// <summary>Hands committed entries to the machine, in order, from memory or from the store.</summary>
    public void ApplyUpTo(LogIndex index)
    {
        _applyLast = index > _applyLast ? index : _applyLast;
        Pump();
    }

    /// <summary>A read for the machine has ended.</summary>
    public void OnReadForApply(ReadOnlyMemory<LogEntry> entries)
    {
        _isReadingForApply = false;
        Apply(entries);
        Pump();
    }

    private void Pump()
    {
        while (_applyNext <= _applyLast && !_isReadingForApply)
        {
            var range = new LogRange(_applyNext, _applyLast);
            if (tail.Holds(range))
            {
                _views.Clear();
                tail.Collect(range, _views);
                foreach (var view in _views)
                {
                    Apply(view);
                }
            }
            else
            {
                _isReadingForApply = true;
                _ = AwaitAsync(ReadPartAsync(range), static entries => new EntriesReadForApply(entries));
            }
        }
    }

    private void Apply(ReadOnlyMemory<LogEntry> entries)
    {
        applier.Apply(entries);
        _applyNext = _applyNext.Plus(entries.Length);
    }

    private async ValueTask<ReadOnlyMemory<LogEntry>> ReadPartAsync(LogRange range) =>
        await storage.ReadAsync(range, ReadBytesMax, cancellationToken).ConfigureAwait(false);

    private async ValueTask<ReadOnlyMemory<LogEntry>> ReadWholeAsync(LogRange range)
    {
        var entries = new List<LogEntry>(range.Count);
        var next = range.First;
        while (next <= range.Last)
        {
            var rest = new LogRange(next, range.Last);
            var part = await storage.ReadAsync(rest, ReadBytesMax, cancellationToken).ConfigureAwait(false);
            entries.AddRange(part.Span);
            next = next.Plus(part.Length);
        }

        return entries.ToArray();
    }

    private async Task AwaitAsync(
        ValueTask<ReadOnlyMemory<LogEntry>> reading,
        Func<ReadOnlyMemory<LogEntry>, object> item
    )
    {
        try
        {
            post(item(await reading.ConfigureAwait(false)));
        }
        catch (OperationCanceledException)
        {
            // The group has ended; nobody waits for the entries.
        }
        catch (Exception exception)
        {
            // A log that can't be read can't be trusted: the loop ends the group with the store's words.
            post(new GroupFailure("The log can't be read.", exception));
        }
    }
}

/// <summary>Entries for a member, read from the store.</summary>
internal sealed record EntriesRead(long Link, AppendHeader Header, ReadOnlyMemory<LogEntry> Entries);

/// <summary>Entries for the machine, read from the store.</summary>
internal sealed record EntriesReadForApply(ReadOnlyMemory<LogEntry> Entries);

/// <summary>The group can't go on on this node.</summary>
internal sealed record GroupFailure(string Reason, Exception Exception);
