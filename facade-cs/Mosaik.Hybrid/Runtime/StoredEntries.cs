using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Reads entries that memory no longer holds: for members that are far behind, and for the machine after a restart.</summary>
/// <remarks>
/// Used by the group loop only; what takes time comes back to it as an item. A read for a member counts only
/// while this node still leads in the same term: then its log has only grown, and the entries are still its own. One
/// that a member asked for is of committed entries, and counts as long as the lineage does.
/// </remarks>
internal sealed class StoredEntries(
    ILogStorage storage,
    LogTail tail,
    MachineApplier applier,
    LogIndex applied,
    Action<object> post,
    CancellationToken cancellationToken
)
{
    private const int ReadBytesMax = 4 * 1024 * 1024;

    private readonly List<ReadOnlyMemory<LogEntry>> _views = [];
    private LogIndex _applyNext = applied.Next;
    private LogIndex _applyLast = applied;
    private bool _isReadingForApply;

    /// <summary>Begins to read a range for a member.</summary>
    /// <remarks>
    /// The newest of them may be on their way to the store: those are in memory, and are taken from there now.
    /// </remarks>
    public void BeginRead(Envelope envelope)
    {
        var range = envelope.Range;
        var stored = StoredPartOf(range);
        _views.Clear();
        if (stored.Last < range.Last)
        {
            tail.Collect(new LogRange(stored.Last.Next, range.Last), _views);
        }

        var reading = ReadWholeAsync(stored, [.. _views], range.Count);
        // What was compacted away meanwhile is not sent: the core sends a snapshot instead. Who asked is told.
        _ = AwaitAsync(
            reading,
            entries => new EntriesRead(envelope, entries.ToArray()),
            _ => envelope.Fetched is null ? null : new EntriesRead(envelope, [])
        );
    }

    /// <summary>A snapshot has brought the machine up to an index: it goes on from there.</summary>
    public void ApplyAfter(LogIndex index)
    {
        _applyNext = index.Next;
        _applyLast = index;
    }

    /// <summary>Hands committed entries to the machine, in order, from memory or from the store.</summary>
    public void ApplyUpTo(LogIndex index)
    {
        _applyLast = index > _applyLast ? index : _applyLast;
        Pump();
    }

    /// <summary>A read for the machine has ended.</summary>
    /// <exception cref="StorageException">The entries are not there.</exception>
    public void OnReadForApply(EntriesReadForApply read)
    {
        _isReadingForApply = false;
        // A snapshot may have taken the place of the log while it was read.
        if (read.First == _applyNext)
        {
            Apply(
                read.Failure is { } failure
                    ? throw new StorageException(StorageFault.Lost, failure.Message, innerException: failure)
                    : read.Entries
            );
        }

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
                var first = _applyNext;
                _ = AwaitAsync(
                    ReadPartAsync(StoredPartOf(range)),
                    entries => new EntriesReadForApply(first, entries, null),
                    failure => new EntriesReadForApply(first, default, failure)
                );
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

    /// <summary>What of a range is only in the store: the rest is in memory, and may not be durable yet.</summary>
    private LogRange StoredPartOf(LogRange range)
    {
        var inMemory = tail.First;
        return inMemory != LogIndex.Zero && inMemory <= range.Last
            ? new LogRange(range.First, inMemory.Previous)
            : range;
    }

    private async ValueTask<ReadOnlyMemory<LogEntry>> ReadWholeAsync(
        LogRange range,
        ReadOnlyMemory<LogEntry>[] rest,
        int count
    )
    {
        var entries = new List<LogEntry>(count);
        var next = range.First;
        while (next <= range.Last)
        {
            var left = new LogRange(next, range.Last);
            var part = await storage.ReadAsync(left, ReadBytesMax, cancellationToken).ConfigureAwait(false);
            entries.AddRange(part.Span);
            next = next.Plus(part.Length);
        }

        foreach (var view in rest)
        {
            entries.AddRange(view.Span);
        }

        return entries.ToArray();
    }

    private async Task AwaitAsync(
        ValueTask<ReadOnlyMemory<LogEntry>> reading,
        Func<ReadOnlyMemory<LogEntry>, object> item,
        Func<ArgumentException, object?> outside
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
        catch (ArgumentException exception)
        {
            // The range is no longer in the log.
            if (outside(exception) is { } answer)
            {
                post(answer);
            }
        }
        catch (Exception exception)
        {
            // A log that can't be read can't be trusted: the loop ends the group with the store's words.
            post(new GroupFailure("The log can't be read.", exception));
        }
    }
}

/// <summary>Entries for a member, read from the store.</summary>
/// <param name="Envelope">Whom they are for, and under which head.</param>
/// <param name="Entries">The entries of its range.</param>
internal sealed record EntriesRead(Envelope Envelope, LogEntry[] Entries);

/// <summary>Entries for the machine, read from the store.</summary>
/// <param name="First">The first index that was asked for.</param>
/// <param name="Entries">From there on.</param>
/// <param name="Failure">Why there are none.</param>
internal sealed record EntriesReadForApply(
    LogIndex First,
    ReadOnlyMemory<LogEntry> Entries,
    ArgumentException? Failure
);

/// <summary>The group can't go on on this node.</summary>
internal sealed record GroupFailure(string Reason, Exception Exception);
