using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Runs the state machine on a loop of its own: committed entries in order, and queries between them.</summary>
/// <remarks>
/// A slow machine delays nothing but itself. An exception of the machine is fatal for the group on this node:
/// skipping the entry here would make this node differ from the others.
/// </remarks>
internal sealed class MachineApplier
{
    private const int ReportEvery = 1_024;

    private readonly IMachineAdapter _machine;
    private readonly ISnapshotStorage _snapshots;
    private readonly CancellationToken _cancellationToken;
    private readonly Action<AppliedReport> _report;
    private readonly Action<Exception> _fail;
    private readonly Channel<Work> _work = Channel.CreateUnbounded<Work>(
        new UnboundedChannelOptions { SingleReader = true }
    );
    private readonly CommandFilter _filter = new(CommandFilter.SessionsMaxDefault);
    private readonly List<(LogIndex Index, PendingQuery Query)> _waiting = [];
    private ProposerId _own;
    private LogPosition _applied = LogPosition.Zero;
    private long _timestamp;
    private ReadOnlyMemory<byte> _configuration;
    private AppliedReport _next;
    private int _unreported;
    private volatile Exception? _end;

    /// <summary>Creates the applier; <see cref="RunAsync"/> makes it go.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="own">Whose commands are reported one by one.</param>
    /// <param name="snapshots">Where the machine's snapshots are.</param>
    /// <param name="report">Told what has been applied; only enqueues.</param>
    /// <param name="fail">Told that the machine threw; the applier has stopped.</param>
    /// <param name="cancellationToken">Ends a restore; <see cref="End"/> ends the rest.</param>
    public MachineApplier(
        IMachineAdapter machine,
        ProposerId own,
        ISnapshotStorage snapshots,
        Action<AppliedReport> report,
        Action<Exception> fail,
        CancellationToken cancellationToken
    )
    {
        _machine = machine;
        _own = own;
        _next = new AppliedReport { Own = own };
        _snapshots = snapshots;
        _cancellationToken = cancellationToken;
        _report = report;
        _fail = fail;
    }

    /// <summary>Committed entries that follow on from the last ones. Called by the group loop.</summary>
    public void Apply(ReadOnlyMemory<LogEntry> entries) =>
        _work.Writer.TryWrite(new Work { Entries = entries });

    /// <summary>Takes snapshots of the machine; null for one that can't be saved. Set before the applier runs.</summary>
    public SnapshotTaker? Taker { get; set; }

    /// <summary>The machine becomes what the newest snapshot holds. Called by the group loop.</summary>
    public void Restore() => _work.Writer.TryWrite(new Work { IsRestore = true });

    /// <summary>Looks whether a snapshot is due. Any thread.</summary>
    public void Wake() => _work.Writer.TryWrite(new Work());

    /// <summary>Takes a snapshot as soon as may be. Any thread.</summary>
    public void Save(TaskCompletionSource<LogPosition> request)
    {
        if (!_work.Writer.TryWrite(new Work { Save = request }))
        {
            request.TrySetException(_end ?? new GroupTerminatedException(TerminationReason.Left));
        }
    }

    /// <summary>
    /// Begins with an empty log again, between two pieces of work and with no snapshot being written. Called by the group
    /// loop, which waits.
    /// </summary>
    /// <param name="own">Whose commands are reported one by one from now on.</param>
    /// <param name="replacement">A machine that nothing has been applied to; null to go on with the present one.</param>
    /// <param name="forget">Makes the store forget; when it throws, everything stays as it is.</param>
    /// <exception cref="InvalidOperationException">
    /// The present machine has applied commands, which can't be taken back; or what <paramref name="forget"/> throws.
    /// </exception>
    public Task BeginAnewAsync(ProposerId own, IMachineReplacement? replacement, Func<Task> forget)
    {
        var anew = new NewBeginning(
            own,
            replacement,
            forget,
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
        );
        if (!_work.Writer.TryWrite(new Work { Anew = anew }))
        {
            anew.Completion.TrySetException(_end ?? new GroupTerminatedException(TerminationReason.Left));
        }

        return anew.Completion.Task;
    }

    /// <summary>Asks the machine once everything up to an index is applied; zero: at once. Any thread.</summary>
    /// <remarks>Every query ends: with an answer, or with the reason why the applier has ended.</remarks>
    public void Ask(PendingQuery query, LogIndex index)
    {
        if (!_work.Writer.TryWrite(new Work { Query = query, Index = index }))
        {
            query.Fail(_end ?? new GroupTerminatedException(TerminationReason.Left));
        }
    }

    /// <summary>Ends after the entry that is being applied. Any thread, more than once; the first reason stays.</summary>
    public void End(Exception reason)
    {
        _end ??= reason;
        _work.Writer.TryComplete();
    }

    /// <summary>Works until ended. Ends every query that is left with the reason.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (_end is null && await _work.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                while (_end is null && _work.Reader.TryRead(out var work))
                {
                    if (work.IsRestore)
                    {
                        await RestoreAsync().ConfigureAwait(false);
                    }
                    else if (work.Anew is { } anew)
                    {
                        await BeginAnewAsync(anew).ConfigureAwait(false);
                    }
                    else
                    {
                        Do(work);
                    }
                }

                Report();
            }
        }
        catch (OperationCanceledException) when (_cancellationToken.IsCancellationRequested)
        {
            // The group ends while the machine is restored; the reason is known.
        }
        catch (Exception exception)
        {
            // The machine, or its codec, threw, or a snapshot can't be read: the group ends on this node and says so.
            var reason =
                exception is StorageException
                    ? TerminationReason.StorageFailed
                    : TerminationReason.MachineFailed;
            End(new GroupTerminatedException(reason, exception));
            _fail(exception);
        }

        FailQueries(_end ?? new GroupTerminatedException(TerminationReason.Left));
    }

    /// <summary>What was waiting for the effects of the snapshot is answered; own commands in it are reported as one.</summary>
    private async Task RestoreAsync()
    {
        Report();
        // Whoever can't be restored has refused the snapshot, or the log that begins with one.
        var machine = _machine.Snapshots ?? throw new UnreachableException("The machine can't be restored.");
        var stored =
            await _snapshots.OpenAsync(_cancellationToken).ConfigureAwait(false)
            ?? throw new StorageException(StorageFault.Lost, "The snapshot that was just there is gone.");
        var length = stored.Info.Length;
        await using (stored.ConfigureAwait(false))
        {
            var head = await SnapshotContent
                .ReadHeadAsync(stored.Content, _cancellationToken)
                .ConfigureAwait(false);
            _filter.Restore(head.Records);
            _machine.HasApplied = true;
            await machine.RestoreSnapshotAsync(stored.Content, _cancellationToken).ConfigureAwait(false);
            _applied = stored.Info.Position;
            _timestamp = head.Timestamp;
            _configuration = stored.Info.Configuration;
        }

        Taker?.OnRestored(_applied, length);
        _next.Position = _applied;
        _next.Restored = (_filter.LastOf(_own), _filter.UsedAt(_own));
        Report();
        Answer();
    }

    private async Task BeginAnewAsync(NewBeginning anew)
    {
        Report();
        try
        {
            await (Taker?.Writing ?? Task.CompletedTask).ConfigureAwait(false);
            if (_machine.HasApplied && anew.Replacement is null)
            {
                throw new InvalidOperationException(
                    $"{_machine.Name} has applied commands, which can't be taken back. Give ResetAsync a fresh machine."
                );
            }

            await anew.Forget().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The group loop waits, and decides what becomes of it.
            anew.Completion.TrySetException(exception);
            return;
        }

        anew.Replacement?.Replace();
        _filter.Restore([]);
        _own = anew.Own;
        _applied = LogPosition.Zero;
        _timestamp = 0;
        _configuration = default;
        _next = new AppliedReport { Own = _own };
        _waiting.ForEach(static waiting => waiting.Query.Fail(GroupOfflineException.ForQuery()));
        _waiting.Clear();
        Taker?.OnReplaced(_machine.Snapshots!);
        anew.Completion.TrySetResult();
    }

    private void Do(in Work work)
    {
        if (work.Query is { } query)
        {
            if (work.Index <= _applied.Index)
            {
                query.Run(_applied);
            }
            else
            {
                _waiting.Add((work.Index, query));
            }
        }
        else
        {
            if (work.Save is { } request)
            {
                (Taker ?? throw new InvalidOperationException("Nobody takes snapshots here.")).Request(
                    request
                );
            }

            ApplyAll(work.Entries.Span);
            SaveIfDue();
        }
    }

    private void ApplyAll(ReadOnlySpan<LogEntry> entries)
    {
        foreach (ref readonly var entry in entries)
        {
            if (_end is not null)
            {
                return;
            }

            if (entry.Index <= _applied.Index)
            {
                // A snapshot has brought it.
                continue;
            }

            ApplyOne(entry);
            _applied = entry.Position;
            _timestamp = entry.Timestamp;
            Taker?.OnApplied(entry.Payload.Length);
            _next.Position = _applied;
            if (++_unreported >= ReportEvery)
            {
                // A machine that always has more to do tells how far it is all the same.
                Report();
            }
        }

        if (_waiting.Count > 0)
        {
            Answer();
        }
    }

    /// <summary>Between two commands, and never within a batch: then the filter's table says all that it knows.</summary>
    private void SaveIfDue()
    {
        if (Taker is { } taker && _filter.IsBetweenBatches && taker.IsDue(_applied))
        {
            var head = new SnapshotHead(_timestamp, _filter.Records);
            taker.Take(new SnapshotPlace(_applied, _configuration, head));
        }
    }

    private void ApplyOne(in LogEntry entry)
    {
        if (entry.Kind == EntryKind.Configuration)
        {
            _configuration = entry.Payload;
        }

        switch (_filter.Judge(entry))
        {
            case FilterVerdict.Apply:
                ApplyCommand(entry);
                break;
            case FilterVerdict.ApplyHeld:
                foreach (var held in _filter.Held)
                {
                    ApplyCommand(held);
                }

                break;
            case FilterVerdict.Gap:
                _next.Gap |= _own.Equals(entry.Proposer);
                break;
            case FilterVerdict.Nothing:
            case FilterVerdict.Hold:
            case FilterVerdict.Repeat:
            default:
                break;
        }
    }

    private void ApplyCommand(in LogEntry entry)
    {
        _machine.Apply(entry);
        if (_own.Equals(entry.Proposer))
        {
            _next.Completions.Add((entry.Number, entry.Index));
        }
    }

    private void Answer()
    {
        var kept = 0;
        foreach (var (index, query) in CollectionsMarshal.AsSpan(_waiting))
        {
            if (index <= _applied.Index)
            {
                query.Run(_applied);
            }
            else
            {
                _waiting[kept++] = (index, query);
            }
        }

        _waiting.RemoveRange(kept, _waiting.Count - kept);
    }

    private void Report()
    {
        _unreported = 0;
        if (_next.Position.Index != LogIndex.Zero)
        {
            _report(_next);
            _next = new AppliedReport { Own = _own };
        }
    }

    private void FailQueries(Exception reason)
    {
        foreach (var (_, query) in _waiting)
        {
            query.Fail(reason);
        }

        while (_work.Reader.TryRead(out var work))
        {
            work.Query?.Fail(reason);
            work.Save?.TrySetException(reason);
            work.Anew?.Completion.TrySetException(reason);
        }

        Taker?.End(reason);
    }

    private sealed record NewBeginning(
        ProposerId Own,
        IMachineReplacement? Replacement,
        Func<Task> Forget,
        TaskCompletionSource Completion
    );

    private readonly struct Work
    {
        public ReadOnlyMemory<LogEntry> Entries { get; init; }

        public PendingQuery? Query { get; init; }

        public LogIndex Index { get; init; }

        public NewBeginning? Anew { get; init; }

        public bool IsRestore { get; init; }

        public TaskCompletionSource<LogPosition>? Save { get; init; }
    }
}

/// <summary>What the machine has applied since the last report.</summary>
internal sealed class AppliedReport
{
    /// <summary>Whose commands are reported one by one: tells a life before a reset from the one after.</summary>
    public required ProposerId Own { get; init; }

    /// <summary>The last entry applied.</summary>
    public LogPosition Position { get; set; }

    /// <summary>Own commands that took effect: number and index, in order.</summary>
    public List<(ulong Number, LogIndex Index)> Completions { get; } = [];

    /// <summary>An own command was dropped because an earlier one is missing.</summary>
    public bool Gap { get; set; }

    /// <summary>
    /// A snapshot has brought the effects of the own commands up to this number, which stands at this index.
    /// </summary>
    public (ulong Last, LogIndex Index) Restored { get; set; }
}
