using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>What a snapshot holds besides the machine's bytes, and where it stands.</summary>
internal readonly record struct SnapshotPlace(
    LogPosition Position,
    ReadOnlyMemory<byte> Configuration,
    SnapshotHead Head
);

/// <summary>Decides when the machine is saved, and writes what was captured beside the machine's loop.</summary>
/// <remarks>
/// Used by the machine's loop only, but for the end of a write. One snapshot at a time. One that fails is logged, and the
/// next is taken when it would have been anyway: the log has lost nothing. None is taken by entries or bytes before the log
/// is as long as the last one: writing a large state again and again would cost more than the log that it replaces.
/// </remarks>
internal sealed class SnapshotTaker : IDisposable
{
    /// <summary>About what an entry weighs in the log besides its payload.</summary>
    private const int EntryOverhead = 64;

    /// <summary>How late a snapshot by age may be.</summary>
    private static readonly TimeSpan s_lookMax = TimeSpan.FromMinutes(1);

    private ISnapshotMachine _machine;
    private readonly ISnapshotStorage _storage;
    private readonly SnapshotOptions _options;
    private readonly TimeProvider _timeProvider;
    private readonly Action<object> _post;
    private readonly Action<Exception> _onFailed;
    private readonly CancellationToken _cancellationToken;
    private readonly Action _wake;
    private readonly List<TaskCompletionSource<LogPosition>> _requests = [];
    private readonly ITimer? _timer;
    private SavedState _last = new(LogPosition.Zero, 0);
    private volatile SavedState? _saved;
    private long _takenAt;
    private long _entries;
    private long _bytes;
    private volatile bool _isBusy;

    /// <summary>What is durable: where it stands and how many bytes it has.</summary>
    private sealed record SavedState(LogPosition Position, long Length);

    /// <summary>Creates the taker of one machine.</summary>
    /// <param name="machine">The machine; captured on its own loop.</param>
    /// <param name="storage">Where snapshots go.</param>
    /// <param name="options">When.</param>
    /// <param name="timeProvider">For the age.</param>
    /// <param name="wake">Makes the machine's loop look whether one is due; any thread.</param>
    /// <param name="post">Told what was saved; only enqueues.</param>
    /// <param name="onFailed">Told why one could not be saved; only logs.</param>
    /// <param name="cancellationToken">Ends with the group.</param>
    public SnapshotTaker(
        ISnapshotMachine machine,
        ISnapshotStorage storage,
        SnapshotOptions options,
        TimeProvider timeProvider,
        Action wake,
        Action<object> post,
        Action<Exception> onFailed,
        CancellationToken cancellationToken
    )
    {
        _machine = machine;
        _storage = storage;
        _options = options;
        _timeProvider = timeProvider;
        _wake = wake;
        _post = post;
        _onFailed = onFailed;
        _cancellationToken = cancellationToken;
        _takenAt = timeProvider.GetTimestamp();
        if (options.EveryAge is { } age)
        {
            var look = age < s_lookMax ? age : s_lookMax;
            _timer = timeProvider.CreateTimer(_ => wake(), null, look, look);
        }
    }

    /// <summary>The last write; completes, never with an error, when it has ended.</summary>
    public Task Writing { get; private set; } = Task.CompletedTask;

    /// <summary>An entry was applied.</summary>
    public void OnApplied(int bytes)
    {
        _entries++;
        _bytes += bytes;
    }

    /// <summary>The machine is at what a snapshot of this length holds.</summary>
    public void OnRestored(LogPosition position, long length)
    {
        _last = new SavedState(position, length);
        Restart();
    }

    /// <summary>The log begins anew, with a machine that nothing has been applied to.</summary>
    public void OnReplaced(ISnapshotMachine machine)
    {
        _machine = machine;
        _last = new SavedState(LogPosition.Zero, 0);
        _saved = null;
        Restart();
    }

    /// <summary>Somebody wants one.</summary>
    public void Request(TaskCompletionSource<LogPosition> request) => _requests.Add(request);

    /// <summary>True when one is to be captured at this position, between two commands.</summary>
    public bool IsDue(LogPosition position)
    {
        if (_isBusy)
        {
            return false;
        }

        if (_saved is { } saved)
        {
            _saved = null;
            _last = saved.Position.Index > _last.Position.Index ? saved : _last;
        }

        if (position.Index == _last.Position.Index)
        {
            AnswerAtRest(position);
            return false;
        }

        return _requests.Count > 0
            || (
                (
                    _entries >= (_options.EveryEntries ?? long.MaxValue)
                    || _bytes >= (_options.EveryBytes ?? long.MaxValue)
                )
                && _bytes + (EntryOverhead * _entries) >= _last.Length
            )
            || (_options.EveryAge is { } age && _timeProvider.GetElapsedTime(_takenAt) >= age);
    }

    /// <summary>Captures the machine, and begins to write it.</summary>
    public void Take(in SnapshotPlace place)
    {
        TaskCompletionSource<LogPosition>[] requests = [.. _requests];
        _requests.Clear();
        Restart();
        try
        {
            var captured = _machine.CaptureSnapshot();
            _isBusy = true;
            var copy = place;
            Writing = Task.Run(() => WriteAsync(captured, copy, requests));
        }
        catch (Exception exception)
        {
            // Whatever the machine throws: it goes on without this snapshot.
            Fail(requests, exception);
        }
    }

    /// <summary>The group has ended: whoever waits is told.</summary>
    public void End(Exception reason)
    {
        _requests.ForEach(request => request.TrySetException(reason));
        _requests.Clear();
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void Restart()
    {
        _entries = 0;
        _bytes = 0;
        _takenAt = _timeProvider.GetTimestamp();
    }

    /// <summary>There is nothing new to save: the last one is the answer.</summary>
    private void AnswerAtRest(LogPosition position)
    {
        foreach (var request in _requests)
        {
            if (position.Index == LogIndex.Zero)
            {
                request.TrySetException(
                    new InvalidOperationException(
                        "Nothing has been applied yet, so there is nothing to save."
                    )
                );
            }
            else
            {
                request.TrySetResult(position);
            }
        }

        _requests.Clear();
    }

    private async Task WriteAsync(
        IMachineSnapshot captured,
        SnapshotPlace place,
        TaskCompletionSource<LogPosition>[] requests
    )
    {
        try
        {
            using (captured)
            {
                var info = await SaveAsync(captured, place).ConfigureAwait(false);
                _saved = new SavedState(info.Position, info.Length);
                _post(new SnapshotTaken(info));
            }

            Array.ForEach(requests, request => request.TrySetResult(place.Position));
        }
        catch (Exception exception)
        {
            // The store's or the machine's, both of which may throw what they like.
            Fail(requests, exception);
        }

        // Who asked meanwhile waits for a look, and in a quiet group nothing else brings one.
        _isBusy = false;
        _wake();
    }

    private async Task<SnapshotInfo> SaveAsync(IMachineSnapshot captured, SnapshotPlace place)
    {
        var writer = await _storage.CreateAsync(_cancellationToken).ConfigureAwait(false);
        await using (writer.ConfigureAwait(false))
        {
            await writer
                .Content.WriteAsync(SnapshotHeadModule.encode(place.Head), _cancellationToken)
                .ConfigureAwait(false);
            await captured.WriteAsync(writer.Content, _cancellationToken).ConfigureAwait(false);
            return await writer
                .CommitAsync(place.Position, place.Configuration, _cancellationToken)
                .ConfigureAwait(false);
        }
    }

    private void Fail(TaskCompletionSource<LogPosition>[] requests, Exception exception)
    {
        Array.ForEach(requests, request => request.TrySetException(exception));
        if (!_cancellationToken.IsCancellationRequested)
        {
            _onFailed(exception);
        }
    }
}

/// <summary>A snapshot of this node's machine is durable.</summary>
internal sealed record SnapshotTaken(SnapshotInfo Info);
