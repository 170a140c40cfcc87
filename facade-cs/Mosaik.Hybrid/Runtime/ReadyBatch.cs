using Mosaik.Hybrid.Core;

namespace Mosaik.Hybrid.Runtime;

/// <summary>One transition's outputs, sorted into the order in which they must be carried out. Reused.</summary>
internal sealed class ReadyBatch : IGroupOutputHandler
{
    /// <summary>A received snapshot takes the place of the log, before the writes; zero for none.</summary>
    public LogPosition InstallThrough { get; private set; }

    /// <summary>The log begins anew after this position, before the writes; zero for no change.</summary>
    public LogPosition CompactThrough { get; private set; }

    /// <summary>Bytes of a snapshot to keep, or an offer of one.</summary>
    public List<(SnapshotFacts Facts, SnapshotChunk Chunk)> Intake { get; } = [];

    /// <summary>True when the disk has stalled, false when it works again; null for no change.</summary>
    public bool? DiskStalled { get; private set; }

    /// <summary>What to make durable, in order.</summary>
    public List<Write> Writes { get; } = [];

    /// <summary>Words of consensus: not before <see cref="SendAfter"/> is durable.</summary>
    public List<Envelope> Sends { get; } = [];

    /// <summary>What to do with links, in order.</summary>
    public List<LinkAction> LinkActions { get; } = [];

    /// <summary>The last committed index that has not been handed to the machine; zero for none.</summary>
    public LogIndex ApplyUpTo { get; private set; }

    /// <summary>Own commands that the core wants again.</summary>
    public List<(ulong First, ulong Last)> Resubmits { get; } = [];

    /// <summary>Own commands that got places in the log.</summary>
    public List<(ulong First, ulong Last, LogIndex Index)> Assignments { get; } = [];

    /// <summary>Reads whose index is known.</summary>
    public List<(IReadOnlyList<ulong> Ids, LogIndex Index)> Reads { get; } = [];

    /// <summary>Reads that are not taken.</summary>
    public List<ulong> ReadsRefused { get; } = [];

    /// <summary>Questions for the members that are answered; null: nobody knows.</summary>
    public List<(IReadOnlyList<ulong> Ids, SurveyReply? Reply)> Surveys { get; } = [];

    /// <summary>The next deadline, if it changed.</summary>
    public Instant? Deadline { get; private set; }

    /// <summary>Words wait for the write of this sequence.</summary>
    public ulong SendAfter { get; private set; }

    /// <summary>True when the leader, the role or the configuration changed.</summary>
    public bool HasNotices { get; private set; }

    /// <summary>The configuration that came into force, if any.</summary>
    public Configuration? Configuration { get; private set; }

    /// <summary>The leader changed.</summary>
    public bool IsLeaderChanged { get; private set; }

    /// <summary>The role or term changed.</summary>
    public bool IsRoleChanged { get; private set; }

    /// <summary>The other lineages of the group that are known to live, if they changed.</summary>
    public IReadOnlyList<Lineage>? Conflict { get; private set; }

    /// <summary>Nothing more can be done for this node to leave in good order.</summary>
    public bool MayLeave { get; private set; }

    /// <summary>The lineage is void: begin anew.</summary>
    public bool IsReset { get; private set; }

    /// <summary>A broken rule.</summary>
    public Violation? Violation { get; private set; }

    /// <summary>Sorts the outputs of a transition.</summary>
    public void Fill(GroupTransition transition)
    {
        Clear();
        SendAfter = transition.SendAfter;
        Outputs.dispatch(this, transition.Outputs);
    }

    private void Clear()
    {
        InstallThrough = LogPosition.Zero;
        CompactThrough = LogPosition.Zero;
        Intake.Clear();
        DiskStalled = null;
        Writes.Clear();
        Sends.Clear();
        LinkActions.Clear();
        ApplyUpTo = LogIndex.Zero;
        Resubmits.Clear();
        Assignments.Clear();
        Reads.Clear();
        ReadsRefused.Clear();
        Surveys.Clear();
        Deadline = null;
        HasNotices = false;
        Configuration = null;
        IsLeaderChanged = false;
        IsRoleChanged = false;
        Conflict = null;
        MayLeave = false;
        IsReset = false;
        Violation = null;
    }

    void IGroupOutputHandler.Install(LogPosition through) => InstallThrough = through;

    void IGroupOutputHandler.Compact(LogPosition through) => CompactThrough = through;

    void IGroupOutputHandler.Write(Write write) => Writes.Add(write);

    void IGroupOutputHandler.SendRaft(long link, Message message) =>
        Sends.Add(new Envelope(link, BondMessage.NewRaft(message)));

    void IGroupOutputHandler.SendEntries(long link, AppendHeader header, LogRange range) =>
        Sends.Add(new Envelope(link, Append: header, Range: range));

    void IGroupOutputHandler.ServeEntries(long link, FetchedHeader header, LogRange range) =>
        Sends.Add(new Envelope(link, Fetched: header, Range: range));

    void IGroupOutputHandler.SendSnapshot(
        long link,
        AppendHeader header,
        SnapshotFacts snapshot,
        long offset,
        int count
    ) => Sends.Add(new Envelope(link, Append: header, Snapshot: snapshot, Offset: offset, Count: count));

    void IGroupOutputHandler.Keep(SnapshotFacts snapshot, SnapshotChunk chunk) =>
        Intake.Add((snapshot, chunk));

    void IGroupOutputHandler.SendCommands(long link, ForwardHeader header, ulong first, ulong last) =>
        Sends.Add(new Envelope(link, Forward: header, First: first, Last: last));

    void IGroupOutputHandler.SendAffiliated(long link, Lineage lineage) =>
        Sends.Add(new Envelope(link, BondMessage.NewAffiliated(lineage)));

    void IGroupOutputHandler.SendBond(long link, BondMessage message) =>
        LinkActions.Add(new LinkAction.Say(link, message));

    void IGroupOutputHandler.Prove(long link, Hello mine, Hello theirs, bool isDialler) =>
        LinkActions.Add(new LinkAction.Prove(link, mine, theirs, isDialler));

    void IGroupOutputHandler.Check(long link, Hello mine, Hello theirs, bool isDialler, Proof proof) =>
        LinkActions.Add(new LinkAction.Check(link, mine, theirs, isDialler, proof));

    void IGroupOutputHandler.Recheck(long link, ReadOnlyMemory<byte> entry) =>
        LinkActions.Add(new LinkAction.Recheck(link, entry));

    void IGroupOutputHandler.CloseLink(long link, CloseReason reason, string evidence) =>
        LinkActions.Add(new LinkAction.Close(link, reason, evidence));

    void IGroupOutputHandler.BondFormed(long link, MemberId peer)
    {
        HasNotices = true;
        LinkActions.Add(new LinkAction.Formed(link, peer));
    }

    void IGroupOutputHandler.BondEnded(long link, MemberId peer, CloseReason reason)
    {
        HasNotices = true;
        LinkActions.Add(new LinkAction.Ended(link, peer, reason));
    }

    void IGroupOutputHandler.Apply(LogRange range) => ApplyUpTo = range.Last;

    void IGroupOutputHandler.Resubmit(ulong first, ulong last) => Resubmits.Add((first, last));

    void IGroupOutputHandler.Assigned(ulong first, ulong last, LogIndex index) =>
        Assignments.Add((first, last, index));

    void IGroupOutputHandler.ReadReady(IReadOnlyList<ulong> ids, LogIndex index) => Reads.Add((ids, index));

    void IGroupOutputHandler.ReadRefused(ulong id) => ReadsRefused.Add(id);

    void IGroupOutputHandler.Surveyed(IReadOnlyList<ulong> ids, SurveyReply? reply) =>
        Surveys.Add((ids, reply));

    void IGroupOutputHandler.SetDeadline(Instant at) => Deadline = at;

    void IGroupOutputHandler.LeaderChanged(MemberId? leader) => HasNotices = IsLeaderChanged = true;

    void IGroupOutputHandler.RoleChanged(RoleKind role, Term term) => HasNotices = IsRoleChanged = true;

    void IGroupOutputHandler.OnlineChanged(bool online) => HasNotices = true;

    void IGroupOutputHandler.ConfigurationChanged(Configuration configuration)
    {
        HasNotices = true;
        Configuration = configuration;
    }

    void IGroupOutputHandler.CommitAdvanced(LogIndex index) => HasNotices = true;

    void IGroupOutputHandler.DiskStalled(bool stalled)
    {
        HasNotices = true;
        DiskStalled = stalled;
    }

    void IGroupOutputHandler.ConflictChanged(IReadOnlyList<Lineage> lineages)
    {
        HasNotices = true;
        Conflict = lineages;
    }

    void IGroupOutputHandler.MayLeave() => MayLeave = true;

    void IGroupOutputHandler.Reset() => IsReset = true;

    void IGroupOutputHandler.Halt(Violation violation) => Violation = violation;
}

/// <summary>Words of consensus for one link: a message, or a head whose entries the runtime fills in.</summary>
internal readonly record struct Envelope(
    long Link,
    BondMessage? Message = null,
    AppendHeader? Append = null,
    FetchedHeader? Fetched = null,
    LogRange Range = default,
    ForwardHeader? Forward = null,
    ulong First = 0,
    ulong Last = 0,
    SnapshotFacts? Snapshot = null,
    long Offset = 0,
    int Count = 0
);

/// <summary>Something to do with a link.</summary>
internal abstract record LinkAction(long Link)
{
    internal sealed record Say(long Link, BondMessage Message) : LinkAction(Link);

    internal sealed record Prove(long Link, Hello Mine, Hello Theirs, bool IsDialler) : LinkAction(Link);

    internal sealed record Check(long Link, Hello Mine, Hello Theirs, bool IsDialler, Proof Proof)
        : LinkAction(Link);

    internal sealed record Recheck(long Link, ReadOnlyMemory<byte> Entry) : LinkAction(Link);

    internal sealed record Close(long Link, CloseReason Reason, string Evidence) : LinkAction(Link);

    internal sealed record Formed(long Link, MemberId Peer) : LinkAction(Link);

    internal sealed record Ended(long Link, MemberId Peer, CloseReason Reason) : LinkAction(Link);
}
