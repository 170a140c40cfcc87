using System.Threading.Tasks.Sources;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>The thread on which a journal writes, so that a slow disk holds up nobody but those who wait for it.</summary>
/// <remarks>
/// One write or compaction is on its way at a time; its completion is an object that is used again, so a write
/// allocates nothing. Continuations run on this thread: they are to be short, as the runtime's are.
/// </remarks>
internal sealed class JournalThread : IValueTaskSource
{
    private readonly LogJournal _journal;
    private readonly StoreGate _store;
    private readonly TimeProvider _time;
    private readonly object _gate = new();
    private readonly List<Drained> _drains = [];
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ManualResetValueTaskSourceCore<bool> _completion;
    private LogWriteBatch _batch;
    private LogPosition? _through;
    private bool _isClosing;
    private long _startedAt;
    private long _smoothedTicks;

    /// <summary>Starts the thread.</summary>
    /// <param name="journal">Written by this thread alone from now on.</param>
    /// <param name="store">Told when a write fails.</param>
    /// <param name="time">For the latency.</param>
    public JournalThread(LogJournal journal, StoreGate store, TimeProvider time)
    {
        (_journal, _store, _time) = (journal, store, time);
        new Thread(Run) { IsBackground = true, Name = "mosaik log writer" }.Start();
    }

    /// <summary>When the write on its way began, as a timestamp; 0 when there is none.</summary>
    public long StartedAt => Volatile.Read(ref _startedAt);

    /// <summary>How long recent writes took, smoothed; null before the first.</summary>
    public TimeSpan? Latency =>
        Volatile.Read(ref _smoothedTicks) is var ticks and not 0 ? TimeSpan.FromTicks(ticks) : null;

    /// <summary>Writes a checked batch.</summary>
    public ValueTask WriteAsync(in LogWriteBatch batch) => Begin(batch, null);

    /// <summary>Moves the base, as was checked.</summary>
    public ValueTask CompactAsync(LogPosition through) => Begin(default, through);

    /// <summary>Hands every completed batch to the system, then looks before the next one is written.</summary>
    /// <param name="look">On the journal's thread; what it throws, the task does.</param>
    public Task DrainAsync(Action look)
    {
        var drain = new Drained(look);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosing, this);
            _drains.Add(drain);
            Monitor.Pulse(_gate);
        }

        return drain.Source.Task;
    }

    /// <summary>Ends the thread and closes the journal.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            if (!_isClosing)
            {
                _isClosing = true;
                Monitor.Pulse(_gate);
            }
        }

        return _closed.Task;
    }

    /// <inheritdoc/>
    public void GetResult(short token) => _completion.GetResult(token);

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _completion.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _completion.OnCompleted(continuation, state, token, flags);

    private ValueTask Begin(in LogWriteBatch batch, LogPosition? through)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isClosing, this);
            _store.BeginWrite();
            (_batch, _through) = (batch, through);
            _completion.Reset();
            Volatile.Write(ref _startedAt, Math.Max(1, _time.GetTimestamp()));
            Monitor.Pulse(_gate);
        }

        return new ValueTask(this, _completion.Version);
    }

    private void Run()
    {
        while (true)
        {
            bool hasWork;
            bool isClosing;
            Drained[] drains;
            lock (_gate)
            {
                while (_startedAt == 0 && _drains.Count == 0 && !_isClosing)
                {
                    Monitor.Wait(_gate);
                }

                hasWork = _startedAt != 0;
                isClosing = _isClosing;
                drains = [.. _drains];
                _drains.Clear();
            }

            if (hasWork)
            {
                Work();
            }

            if (drains.Length > 0)
            {
                Drain(drains);
            }

            if (isClosing)
            {
                Close();
                return;
            }
        }
    }

    private void Work()
    {
        try
        {
            if (_through is { } through)
            {
                _journal.Compact(through);
            }
            else
            {
                _journal.Write(_batch);
            }
        }
        catch (Exception exception)
        {
            // Nobody knows what reached the disk: nothing is tried again, and everybody is told the same.
            _store.Fail(exception);
        }

        var took = _time.GetElapsedTime(_startedAt).Ticks;
        var smoothed = _smoothedTicks;
        Volatile.Write(
            ref _smoothedTicks,
            Math.Max(1, smoothed == 0 ? took : smoothed + ((took - smoothed) / 8))
        );
        lock (_gate)
        {
            _batch = default;
            Volatile.Write(ref _startedAt, 0);
            _store.EndWrite();
        }

        if (_store.Failure is { } failure)
        {
            _completion.SetException(failure);
        }
        else
        {
            _completion.SetResult(true);
        }
    }

    private void Drain(Drained[] drains)
    {
        try
        {
            if (_store.Failure is null)
            {
                _journal.Drain();
            }
        }
        catch (Exception exception)
        {
            _store.Fail(exception);
        }

        foreach (var drain in drains)
        {
            drain.End(_store.Failure);
        }
    }

    private void Close()
    {
        try
        {
            _journal.Close(isSound: _store.Failure is null);
            _closed.SetResult();
        }
        catch (Exception exception)
        {
            _closed.SetException(_store.Fail(exception));
        }
    }

    /// <summary>Somebody who waits until everything is with the system.</summary>
    private sealed class Drained(Action look)
    {
        public TaskCompletionSource Source { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void End(StorageException? failure)
        {
            if (failure is not null)
            {
                Source.SetException(failure);
                return;
            }

            try
            {
                look();
                Source.SetResult();
            }
            catch (ArgumentException outside)
            {
                Source.SetException(outside);
            }
        }
    }
}
