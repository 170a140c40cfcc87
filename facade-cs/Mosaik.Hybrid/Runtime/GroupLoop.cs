using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>What a group runs with, without the types of its machine.</summary>
internal sealed record GroupLoopOptions(
    NetworkId Network,
    GroupId Group,
    GroupKey Key,
    ConsensusConfig Consensus,
    IReadOnlyList<Tickets.ITicketValidator> Validators,
    IMachineAdapter Machine,
    ILogStorage Storage,
    SnapshotOptions Snapshots
);

/// <summary>Owns one group's state on this node: takes inputs, steps the core, carries out what it asks.</summary>
/// <remarks>
/// One task owns everything here, so nothing is locked. What comes from outside (frames, calls, timers, ends of
/// writes) is an item in its queue; all items that wait are stepped at once, so that under load one write and
/// one message to each member serve many calls.
/// </remarks>
[SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "RunAsync owns their life: it releases them when the group ends, which is the only way out."
)]
internal sealed partial class GroupLoop
{
    private const int ItemsPerStepMax = 1_024;
    private static readonly object s_timerFired = new();

    private readonly GroupLoopOptions _options;
    private readonly NodeServices _node;
    private readonly NodeConfig _config;
    private readonly MonotonicClock _clock;
    private readonly ILogger _logger;
    private readonly string _name;
    private readonly Channel<object> _items = Channel.CreateUnbounded<object>(
        new UnboundedChannelOptions { SingleReader = true }
    );
    private readonly CancellationTokenSource _ending = new();
    private readonly LinkTable _links;
    private readonly PendingReads _reads = new();
    private readonly SubmitWindow _window = new();
    private readonly LogTail _tail = new();
    private readonly ReadyBatch _ready = new();
    private readonly List<GroupInput> _inputs = [];
    private readonly List<FrameArrived> _frames = [];
    private readonly List<LogEntry> _proposals = [];
    private readonly List<Task> _closing = [];

    // Made once the store is open; see StartAsync.
    private GroupState _state = null!;
    private StorageWriter _writer = null!;
    private ReadyExecutor _executor = null!;
    private StoredEntries _stored = null!;
    private MachineApplier _applier = null!;
    private DeadlineTimer _timer = null!;
    private Task _machine = Task.CompletedTask;
    private PendingCommands? _pending;
    private Instant _coreDeadline = Instant.Never;
    private LogPosition _applied = LogPosition.Zero;
    private GroupMembers _members = GroupMembers.None;
    private GroupTerminatedException? _end;

    /// <summary>Prepares the loop; <see cref="RunAsync"/> makes it go.</summary>
    public GroupLoop(GroupLoopOptions options, NodeServices node)
    {
        _options = options;
        _node = node;
        _config = options.Consensus.ToCore();
        _clock = new MonotonicClock(node.TimeProvider);
        _logger = node.Loggers.CreateLogger("Mosaik.Hybrid.Group");
        _name = options.Group.Short;
        _links = new LinkTable(Post);
        _prover = new BondProver(options.Key, node.Identity.PublicKey);
        _checker = new CredentialChecker(options.Validators, _clock, _logger);
        Door = new DoorKeeper(node.TimeProvider);
        _lookedOffset = _clock.WallOffset;
        _lookedRevision = _checker.Revision;
        _dialler = new BondDialler(
            node.Transport,
            AdoptDialled,
            MayBondAsync,
            node.TimeProvider,
            _logger,
            _ending.Token
        );
        Refusals = new RefusalLog(_logger, _name);
        Meter = new GroupMeter(node.Meter.GroupInstruments, node.Meter.Name, _name, this);
        _stages = new StageClock(Meter, node.TimeProvider);
        _checker.Refused = Meter.TicketRefused;
        Status = new GroupStatusBoard(GroupSnapshot.Initial(node.Identity.Id));
    }

    /// <summary>What the loop publishes.</summary>
    public GroupStatusBoard Status { get; }

    /// <summary>Why links were closed.</summary>
    public RefusalLog Refusals { get; }

    /// <summary>The bonds that stand.</summary>
    public IReadOnlyList<Bond> Bonds => _bondList;

    /// <summary>Enqueues an item; lost once the group has ended. Any thread.</summary>
    public void Post(object item) => _items.Writer.TryWrite(item);

    /// <summary>Runs the group until it is left or can't go on. Never throws: how it ended is in <see cref="Status"/>.</summary>
    public async Task RunAsync()
    {
        GroupTerminatedException end;
        try
        {
            await StartAsync().ConfigureAwait(false);
            await TurnAsync().ConfigureAwait(false);
            end = _end ?? new GroupTerminatedException(TerminationReason.Left);
        }
        catch (StorageException exception)
        {
            GroupEvents.Failed(_logger, _name, "the store failed", exception);
            end = new GroupTerminatedException(TerminationReason.StorageFailed, exception);
        }
        catch (GroupTerminatedException exception)
        {
            GroupEvents.Failed(_logger, _name, "the machine can't be restored", exception);
            end = exception;
        }
        catch (Exception exception)
        {
            // Whatever else breaks the loop is a bug in it: stopping beats going on with a broken state.
            GroupEvents.Failed(_logger, _name, "the group loop failed", exception);
            end = new GroupTerminatedException(TerminationReason.InvariantViolated, exception);
        }

        await TearDownAsync(end).ConfigureAwait(false);
    }

    private async Task StartAsync()
    {
        var stored = await RecoverAsync().ConfigureAwait(false);
        var proposer = new ProposerId(stored.Hard.Member, stored.Hard.Session);
        _timer = new DeadlineTimer(_clock, () => Post(s_timerFired));
        _applier = new MachineApplier(
            _options.Machine,
            proposer,
            _options.Storage.Snapshots,
            Post,
            OnMachineFailed,
            _ending.Token
        );
        StartSnapshots(stored.Snapshot.IsSome);
        Volatile.Write(ref _pending, new PendingCommands(proposer, _window) { Placed = _stages.OnPlaced });
        Begin(stored);
        Meter.Begin();
        GroupEvents.Started(_logger, _name, stored.Hard.Member.ToString(), stored.Hard.Session);
        StartDiscovery();
        _machine = Task.Run(_applier.RunAsync);
    }

    private async Task<StoredState> RecoverAsync()
    {
        try
        {
            return await LogRecovery
                .OpenAsync(
                    _options.Storage,
                    _node.Identity.Id,
                    _options.Group,
                    _options.Machine,
                    repair => GroupEvents.Repaired(_logger, _name, repair),
                    _ending.Token
                )
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not (StorageException or GroupTerminatedException))
        {
            // A store may throw what it likes; it is the store that failed, and no rule of consensus.
            throw new StorageException(StorageFault.Io, exception.Message, innerException: exception);
        }
    }

    /// <summary>Begins with what the store holds; again after a reset, with nothing.</summary>
    private void Begin(StoredState stored)
    {
        var pending = _pending!;
        _tail.Clear();
        _writer = new StorageWriter(
            _options.Storage,
            Post,
            Meter.WriteEnded,
            _node.TimeProvider,
            _ending.Token
        );
        var applied = stored.Snapshot.IsSome ? stored.Snapshot.Value.Position.Index : LogIndex.Zero;
        Volatile.Write(ref _published, null);
        _stored = new StoredEntries(_options.Storage, _tail, _applier, applied, Post, _ending.Token);
        _executor = new ReadyExecutor(_writer, _tail, _links, pending, _stored, _sender, Meter);
        var seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        _state = Core.Group.Restore(_config, _clock.Read(), seed, _options.Network, _options.Group, stored);
        // The newest configuration is in force, committed or not; the core says so only when it changes.
        _members = stored.Configurations.IsEmpty
            ? GroupMembers.None
            : GroupMembers.Of(stored.Configurations.Head.Item2);
        _inputs.Add(GroupInput.Tick);
        if (_leaving is not null)
        {
            _inputs.Add(GroupInput.Leave);
        }
    }

    private async Task TurnAsync()
    {
        while (_end is null && await _items.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            Drain();
            do
            {
                Step();
                if (_ready.IsReset)
                {
                    await ResetAsync().ConfigureAwait(false);
                }
                else if (_ready.MayLeave)
                {
                    EndLeave();
                }
            } while (_inputs.Count > 0 && _end is null);

            Settle();
        }
    }

    private void Drain()
    {
        for (var count = 0; count < ItemsPerStepMax && _items.Reader.TryRead(out var item); count++)
        {
            Take(item);
        }

        if (_proposals.Count > 0)
        {
            _inputs.Add(GroupInput.NewPropose(Packed(_proposals)));
            _proposals.Clear();
        }

        var read = _reads.Begin(_clock.Now.Plus(_config.Consensus.QueryTimeout));
        if (read != 0)
        {
            _inputs.Add(GroupInput.NewRead(read));
        }
    }

    /// <summary>The proposals of a turn, their payloads in one array.</summary>
    /// <remarks>
    /// The log keeps them for long: one large object instead of many small ones spares the garbage collector
    /// most of its work.
    /// </remarks>
    private static LogEntry[] Packed(List<LogEntry> proposals)
    {
        var bytes = 0;
        foreach (ref readonly var proposal in CollectionsMarshal.AsSpan(proposals))
        {
            bytes += proposal.Payload.Length;
        }

        var block = GC.AllocateUninitializedArray<byte>(bytes);
        var packed = new LogEntry[proposals.Count];
        var at = 0;
        for (var place = 0; place < packed.Length; place++)
        {
            var proposal = proposals[place];
            var length = proposal.Payload.Length;
            proposal.Payload.Span.CopyTo(block.AsSpan(at));
            packed[place] = new LogEntry(
                proposal.Index,
                proposal.Term,
                proposal.Kind,
                proposal.BatchRemaining,
                proposal.Timestamp,
                proposal.Proposer,
                proposal.Number,
                block.AsMemory(at, length)
            );
            at += length;
        }

        return packed;
    }

    /// <summary>One transition of the core, carried out: persist, send, apply, complete, notify.</summary>
    private void Step()
    {
        var transition = Core.Group.StepAll(_config, _clock.Read(), _inputs, _state);
        _inputs.Clear();
        _state = transition.State;
        _ready.Fill(transition);
        if (_ready.Violation is { } violation)
        {
            Halt(violation);
            return;
        }

        if (_executor.Persist(_ready))
        {
            _inputs.Add(GroupInput.NewPersisted(_writer.Persisted));
        }

        _stages.OnStepped(_ready, _state.Raft, _members);
        CarryOutSnapshots();
        CarryOutLinkActions();
        _executor.Send(_ready);
        _executor.Release();
        if (_ready.ApplyUpTo != LogIndex.Zero)
        {
            _stored.ApplyUpTo(_ready.ApplyUpTo);
        }

        Complete();
        Notify();
    }

    private void Complete()
    {
        var pending = _pending!;
        foreach (var (first, last, index) in _ready.Assignments)
        {
            pending.OnAssigned(first, last, index);
        }

        foreach (var (first, last) in _ready.Resubmits)
        {
            var commands = pending.Collect(first, last, SubmitWindow.CountMax, int.MaxValue);
            _inputs.Add(GroupInput.NewPropose(commands));
        }

        foreach (var (ids, index) in _ready.Reads)
        {
            foreach (var id in ids)
            {
                _reads.Take(id).ForEach(query => _applier.Ask(query, index));
            }
        }

        foreach (var id in _ready.ReadsRefused)
        {
            _reads.Take(id).ForEach(static query => query.Fail(GroupOfflineException.ForQuery()));
        }

        CompleteSurveys();
    }

    private void Notify()
    {
        if (_ready.Deadline is { } deadline)
        {
            _coreDeadline = deadline;
        }

        if (!_ready.HasNotices)
        {
            return;
        }

        CountElections();
        if (_ready.Configuration is { } configuration)
        {
            _members = GroupMembers.Of(configuration);
            GroupEvents.ConfigurationChanged(_logger, _name, _members.ToString());
        }

        if (_ready.Conflict is { } conflict)
        {
            OnConflictChanged([.. conflict]);
        }

        if (_ready.IsLeaderChanged)
        {
            var leader = LeaderOf(_state)?.Short ?? "nobody";
            GroupEvents.LeaderChanged(_logger, _name, leader, _state.Raft.CurrentTerm.Value);
        }

        if (_ready.IsRoleChanged)
        {
            var role = StateModule.roleKind(_state.Raft).ToString();
            GroupEvents.RoleChanged(_logger, _name, role, _state.Raft.CurrentTerm.Value);
        }
    }

    /// <summary>After all steps of a turn: publish, give credit back to the links, look at deadlines.</summary>
    private void Settle()
    {
        foreach (var frame in _frames)
        {
            frame.Connection.OnProcessed(frame.Bytes);
        }

        _frames.Clear();
        var now = _clock.Now;
        var giveUpAt = _pending!.Expire(now, static request => request.Fail(SubmitFailure.Unknown));
        var expired = _reads.Expire(
            now,
            query => query.Fail(QueryFailedException.NotConfirmedWithin(_options.Consensus.QueryTimeout))
        );
        if (expired != 0)
        {
            Post(GroupInput.NewReadsExpired(expired));
        }

        var deadline = Earliest(_coreDeadline, Earliest(giveUpAt, _reads.NextExpiry));
        _timer.Set(Earliest(deadline, LookAround(now)));
        PublishStatus();
    }

    private static Instant Earliest(Instant left, Instant right) => left < right ? left : right;

    private static PeerId? LeaderOf(GroupState state) =>
        state.Raft.Leader.IsSome ? state.Raft.Leader.Value.Peer : null;

    private void PublishStatus()
    {
        var next = CurrentSnapshot();
        Volatile.Write(ref _published, _state);
        if (next != Status.Current)
        {
            Status.Publish(next);
        }
    }

    private GroupSnapshot CurrentSnapshot()
    {
        var raft = _state.Raft;
        Volatile.Write(ref _commitIndex, raft.CommitIndex.Value);
        return new GroupSnapshot(
            _node.Identity.Id,
            LeaderOf(_state),
            StateModule.isLeader(raft),
            raft.Online,
            raft.CurrentTerm,
            _applied.Index,
            raft.Outline.Last,
            _members,
            raft.DiskStalled,
            raft.Outline.Base.Index.Next,
            raft.Snapshot.IsSome ? raft.Snapshot.Value.Position : LogPosition.Zero,
            _conflict
        );
    }

    private void Halt(Violation violation)
    {
        GroupEvents.Halted(_logger, _name, violation.Rule, violation.Evidence + " State: " + _state.Raft);
        _end ??= new GroupTerminatedException(
            TerminationReason.InvariantViolated,
            new InvalidOperationException($"{violation.Rule} {violation.Evidence}")
        );
    }

    private void OnMachineFailed(Exception exception)
    {
        if (exception is StorageException)
        {
            // Thrown while the machine was restored: the snapshot could not be read.
            GroupEvents.Failed(_logger, _name, "the store failed", exception);
            Post(new GroupFailure("The snapshot can't be read.", exception));
        }
        else
        {
            GroupEvents.Failed(_logger, _name, "the state machine failed", exception);
            Post(new MachineFailure(exception));
        }
    }
}

/// <summary>The state machine threw.</summary>
internal sealed record MachineFailure(Exception Exception);

/// <summary>The group is to be left.</summary>
internal sealed record LeaveRequest(TerminationReason Reason);
