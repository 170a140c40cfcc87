using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;

namespace Mosaik.Hybrid.Runtime;

// Snapshots: saved, sent, received, installed; and the disk that makes no progress.
internal sealed partial class GroupLoop
{
    // Made once the store is open; see StartAsync.
    private SnapshotSender _sender = null!;
    private SnapshotIntake _intake = null!;
    private Task _receiving = Task.CompletedTask;
    private volatile bool _isDiskStalled;

    /// <summary>How the log is doing on this node.</summary>
    public GroupStorageStatus StorageStatus
    {
        get
        {
            var current = Status.Current;
            return new GroupStorageStatus(
                current.IsDiskStalled,
                current.FirstIndex,
                current.Snapshot,
                _options.Storage.Health
            );
        }
    }

    /// <summary>Saves the machine as soon as may be; any thread.</summary>
    /// <exception cref="NotSupportedException">The machine can't be saved.</exception>
    public Task<LogPosition> SaveAsync()
    {
        if (_options.Machine.Snapshots is null)
        {
            throw new NotSupportedException(
                $"{_options.Machine.Name} can't be saved: it does not implement {nameof(ISnapshotMachine)}."
            );
        }

        var request = new TaskCompletionSource<LogPosition>(
            TaskCreationOptions.RunContinuationsAsynchronously
        );
        if (!_items.Writer.TryWrite(new SaveRequest(request)))
        {
            request.TrySetException(TerminatedOrLeft());
        }

        return request.Task;
    }

    /// <summary>Makes what takes, sends and receives snapshots, once the store is open.</summary>
    private void StartSnapshots(bool isRestored)
    {
        var snapshots = _options.Storage.Snapshots;
        if (_options.Machine.Snapshots is { } machine)
        {
            _applier.Taker = new SnapshotTaker(
                machine,
                snapshots,
                _options.Snapshots,
                _node.TimeProvider,
                _applier.Wake,
                Post,
                OnSnapshotFailed,
                _ending.Token
            );
        }

        if (isRestored)
        {
            _applier.Restore();
        }

        _sender = new SnapshotSender(snapshots, Post, OnSnapshotFailed, _ending.Token);
        _intake = new SnapshotIntake(snapshots, Post, OnSnapshotFailed, _ending.Token);
        _receiving = Task.Run(_intake.RunAsync);
    }

    /// <summary>Ends what is being received; what comes from here on is of another life.</summary>
    private async Task RestartIntakeAsync()
    {
        _intake.End();
        await _receiving.ConfigureAwait(false);
        _intake = new SnapshotIntake(_options.Storage.Snapshots, Post, OnSnapshotFailed, _ending.Token);
        _receiving = Task.Run(_intake.RunAsync);
    }

    /// <summary>What the transition says of snapshots; after its writes, before what is to be applied.</summary>
    private void CarryOutSnapshots()
    {
        if (_ready.InstallThrough is var through && through != LogPosition.Zero)
        {
            GroupEvents.SnapshotInstalled(_logger, _name, through);
            Meter.SnapshotInstalled();
            _applier.Restore();
        }

        foreach (var (facts, chunk) in _ready.Intake)
        {
            if (_options.Machine.Snapshots is null)
            {
                // Before a byte is kept: the log stays as it is.
                var end = SnapshotContent.Unsupported(facts.Position, _options.Machine.Name);
                GroupEvents.Failed(_logger, _name, "the machine can't be restored", end);
                _end ??= end;
                break;
            }

            _intake.Keep(facts, chunk);
        }

        if (_ready.IsRoleChanged && !StateModule.isLeader(_state.Raft))
        {
            _ = _sender.CloseAllAsync();
        }

        if (_ready.DiskStalled is { } stalled)
        {
            OnDiskStalled(stalled);
        }
    }

    private void OnDiskStalled(bool stalled)
    {
        _isDiskStalled = stalled;
        if (stalled)
        {
            Meter.DiskStalled();
            GroupEvents.DiskStalled(_logger, _name, _config.Consensus.ElectionTimeout);
        }
        else
        {
            GroupEvents.DiskRecovered(_logger, _name);
        }
    }

    private void OnSnapshotTaken(SnapshotTaken taken)
    {
        GroupEvents.SnapshotTaken(_logger, _name, taken.Info.Position, taken.Info.Length);
        Meter.SnapshotTaken();
        // One that is taken while a recovered log is applied may stand where the former lineage was in force.
        var facts = SnapshotContent.InLineage(SnapshotContent.ToFacts(taken.Info), _state.Raft.Lineage);
        _inputs.Add(GroupInput.NewSnapshotSaved(facts, _options.Snapshots.EntriesKept));
    }

    private void OnSnapshotFailed(Exception exception)
    {
        GroupEvents.SnapshotFailed(_logger, _name, exception);
        Meter.SnapshotFailed();
    }

    private void OnBytesRead(SnapshotBytesRead read)
    {
        var raft = _state.Raft;
        if (StateModule.isLeader(raft) && raft.CurrentTerm == read.Header.Term)
        {
            _executor.SendStored(read);
        }
        else
        {
            read.Release();
        }
    }

    private async Task EndSnapshotsAsync()
    {
        if (_sender is null)
        {
            return;
        }

        _intake.End();
        await _receiving.ConfigureAwait(false);
        await _sender.CloseAllAsync().ConfigureAwait(false);
        if (_applier.Taker is { } taker)
        {
            taker.Dispose();
            await taker.Writing.ConfigureAwait(false);
        }
    }

    private sealed record SaveRequest(TaskCompletionSource<LogPosition> Request);
}
