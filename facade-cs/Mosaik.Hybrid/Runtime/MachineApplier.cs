using System.Runtime.InteropServices;
using System.Threading.Channels;
using Mosaik.Hybrid.Core;

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
    private readonly Action<AppliedReport> _report;
    private readonly Action<Exception> _fail;
    private readonly Channel<Work> _work = Channel.CreateUnbounded<Work>(
        new UnboundedChannelOptions { SingleReader = true }
    );
    private readonly CommandFilter _filter = new(CommandFilter.SessionsMaxDefault);
    private readonly List<(LogIndex Index, PendingQuery Query)> _waiting = [];
    private ProposerId _own;
    private LogPosition _applied = LogPosition.Zero;
    private AppliedReport _next = new();
    private int _unreported;
    private volatile Exception? _end;

    /// <summary>Creates the applier; <see cref="RunAsync"/> makes it go.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="own">Whose commands are reported one by one.</param>
    /// <param name="report">Told what has been applied; only enqueues.</param>
    /// <param name="fail">Told that the machine threw; the applier has stopped.</param>
    public MachineApplier(
        IMachineAdapter machine,
        ProposerId own,
        Action<AppliedReport> report,
        Action<Exception> fail
    )
    {
        _machine = machine;
        _own = own;
        _report = report;
        _fail = fail;
    }

    /// <summary>Committed entries that follow on from the last ones. Called by the group loop.</summary>
    public void Apply(ReadOnlyMemory<LogEntry> entries) =>
        _work.Writer.TryWrite(new Work { Entries = entries });

    /// <summary>From now on these are the own commands; nothing has been applied yet. Called by the group loop.</summary>
    public void Rename(ProposerId own) => _work.Writer.TryWrite(new Work { Own = own });

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
                    Do(work);
                }

                Report();
            }
        }
        catch (Exception exception)
        {
            // The machine, or its codec, threw: the group ends on this node and says so.
            End(new GroupTerminatedException(TerminationReason.MachineFailed, exception));
            _fail(exception);
        }

        FailQueries(_end ?? new GroupTerminatedException(TerminationReason.Left));
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
        else if (work.Own is { } own)
        {
            _own = own;
        }
        else
        {
            ApplyAll(work.Entries.Span);
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

            ApplyOne(entry);
            _applied = entry.Position;
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

    private void ApplyOne(in LogEntry entry)
    {
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
            _next = new AppliedReport();
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
        }
    }

    private readonly struct Work
    {
        public ReadOnlyMemory<LogEntry> Entries { get; init; }

        public PendingQuery? Query { get; init; }

        public LogIndex Index { get; init; }

        public ProposerId? Own { get; init; }
    }
}

/// <summary>What the machine has applied since the last report.</summary>
internal sealed class AppliedReport
{
    /// <summary>The last entry applied.</summary>
    public LogPosition Position { get; set; }

    /// <summary>Own commands that took effect: number and index, in order.</summary>
    public List<(ulong Number, LogIndex Index)> Completions { get; } = [];

    /// <summary>An own command was dropped because an earlier one is missing.</summary>
    public bool Gap { get; set; }
}
