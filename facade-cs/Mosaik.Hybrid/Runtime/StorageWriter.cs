using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Writes to the store, everything that queued up at once: one durable batch for many transitions.</summary>
/// <remarks>
/// Used by the group loop only; at most one write is on its way. A store that completes at once costs no hop.
/// </remarks>
internal sealed class StorageWriter
{
    private readonly ILogStorage _storage;
    private readonly Action<WriteEnded> _onEnded;
    private readonly Action<TimeSpan> _onDurable;
    private readonly TimeProvider _timeProvider;
    private readonly CancellationToken _cancellationToken;
    private readonly Queue<Job> _queue = new();
    private bool _isWriting;
    private Task _current = Task.CompletedTask;

    /// <summary>Creates the writer of one store.</summary>
    /// <param name="storage">The open store.</param>
    /// <param name="onEnded">Called on any thread when a write that took its time has ended; only enqueues.</param>
    /// <param name="onDurable">Told how long each batch took; any thread.</param>
    /// <param name="timeProvider">Measures that.</param>
    /// <param name="cancellationToken">Ends with the group.</param>
    public StorageWriter(
        ILogStorage storage,
        Action<WriteEnded> onEnded,
        Action<TimeSpan> onDurable,
        TimeProvider timeProvider,
        CancellationToken cancellationToken
    )
    {
        _storage = storage;
        _onEnded = onEnded;
        _onDurable = onDurable;
        _timeProvider = timeProvider;
        _cancellationToken = cancellationToken;
    }

    /// <summary>What is on its way to the store, in this order: a write, or a new beginning of the log.</summary>
    private readonly record struct Job(Write? Write, LogPosition Through, HardState? Before);

    /// <summary>Every write up to this sequence is durable.</summary>
    public ulong Persisted { get; private set; }

    /// <summary>Queues a write, and begins it unless another is on its way.</summary>
    /// <returns>True when it is durable already.</returns>
    /// <exception cref="StorageException">The store failed; nothing more may be acknowledged.</exception>
    public bool Enqueue(Write write)
    {
        _queue.Enqueue(new Job(write, LogPosition.Zero, null));
        return !_isWriting && Begin();
    }

    /// <summary>Queues a new beginning of the log, after the writes before it.</summary>
    /// <param name="through">Where the log ends that is to be forgotten.</param>
    /// <param name="before">
    /// Made durable before that. When a snapshot takes the place of a log that had been acknowledged further, the watermark
    /// goes down first: a crash in between would else look like a loss.
    /// </param>
    /// <returns>True when more is durable already.</returns>
    /// <exception cref="StorageException">The store failed; nothing more may be acknowledged.</exception>
    public bool Compact(LogPosition through, HardState? before = null)
    {
        _queue.Enqueue(new Job(null, through, before));
        return !_isWriting && Begin();
    }

    /// <summary>A write that took its time has ended: begins the next.</summary>
    /// <returns>True when more became durable meanwhile, so that <see cref="Persisted"/> is to be looked at.</returns>
    /// <exception cref="StorageException">The store failed.</exception>
    public bool OnEnded(WriteEnded ended)
    {
        _isWriting = false;
        if (ended.Failure is { } failure)
        {
            throw failure as StorageException
                ?? new StorageException(StorageFault.Io, failure.Message, innerException: failure);
        }

        Persisted = Math.Max(Persisted, ended.Sequence);
        if (_queue.Count > 0)
        {
            Begin();
        }

        return true;
    }

    /// <summary>Completes, never with an error, when no write is on its way; its end is still to be looked at.</summary>
    public Task WhenIdleAsync() => _current;

    /// <summary>Begins what is next; goes on while the store completes at once.</summary>
    /// <returns>True when a write has become durable.</returns>
    private bool Begin()
    {
        var before = Persisted;
        while (_queue.Count > 0)
        {
            var began = _timeProvider.GetTimestamp();
            var working = BeginNext(out var sequence);
            if (!working.IsCompletedSuccessfully)
            {
                _isWriting = true;
                _current = AwaitAsync(working, sequence, began);
                break;
            }

            _onDurable(_timeProvider.GetElapsedTime(began));
            Persisted = sequence;
        }

        return Persisted > before;
    }

    /// <summary>A store that throws at once has failed like one that throws later.</summary>
    private ValueTask BeginNext(out ulong sequence)
    {
        // A compaction says nothing new of writes.
        sequence = Persisted;
        try
        {
            if (_queue.Peek().Write is null)
            {
                var job = _queue.Dequeue();
                return job.Before is { } before
                    ? InstallAsync(before, job.Through)
                    : _storage.CompactAsync(job.Through, _cancellationToken);
            }

            var batch = Merge(out sequence);
            return _storage.WriteAsync(batch, _cancellationToken);
        }
        catch (Exception exception)
        {
            return ValueTask.FromException(exception);
        }
    }

    private async ValueTask InstallAsync(HardState before, LogPosition through)
    {
        var batch = new LogWriteBatch(before, null, ReadOnlyMemory<ReadOnlyMemory<LogEntry>>.Empty);
        await _storage.WriteAsync(batch, _cancellationToken).ConfigureAwait(false);
        await _storage.CompactAsync(through, _cancellationToken).ConfigureAwait(false);
    }

    private async Task AwaitAsync(ValueTask writing, ulong sequence, long began)
    {
        Exception? failure = null;
        try
        {
            await writing.ConfigureAwait(false);
            _onDurable(_timeProvider.GetElapsedTime(began));
        }
        catch (Exception exception)
        {
            // Whatever the store throws, its data may not be there: the loop ends the group with it.
            failure = exception;
        }

        _onEnded(new WriteEnded(this, sequence, failure));
    }

    /// <summary>
    /// One batch for the writes at the head of the queue: the last hard state, the lowest truncation, what is left of the
    /// entries.
    /// </summary>
    private LogWriteBatch Merge(out ulong sequence)
    {
        HardState? hardState = null;
        LogIndex? truncateFrom = null;
        var runs = new List<ReadOnlyMemory<LogEntry>>();
        sequence = 0;
        while (_queue.TryPeek(out var job) && job.Write is { } write)
        {
            _queue.Dequeue();
            sequence = write.Sequence;
            hardState = write.HardState ?? hardState;
            if (write.TruncateFrom != LogIndex.Zero)
            {
                truncateFrom =
                    truncateFrom is { } lower && lower <= write.TruncateFrom ? lower : write.TruncateFrom;
                Trim(runs, write.TruncateFrom);
            }

            foreach (var entries in write.Entries)
            {
                runs.Add(entries);
            }
        }

        return new LogWriteBatch(hardState, truncateFrom, runs.ToArray());
    }

    /// <summary>Removes what an earlier write of the queue appended and a later one truncates.</summary>
    private static void Trim(List<ReadOnlyMemory<LogEntry>> runs, LogIndex from)
    {
        while (runs.Count > 0 && runs[^1].Span[0].Index >= from)
        {
            runs.RemoveAt(runs.Count - 1);
        }

        if (runs.Count > 0 && runs[^1].Span[^1].Index >= from)
        {
            runs[^1] = runs[^1][..(int)(from.Value - runs[^1].Span[0].Index.Value)];
        }
    }
}

/// <summary>A write has ended: durable up to its sequence, or failed.</summary>
internal sealed record WriteEnded(StorageWriter Writer, ulong Sequence, Exception? Failure);
