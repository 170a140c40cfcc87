/// A small vocabulary for tests of one member: given a state, it receives something, and we expect words.
module Mosaik.Hybrid.Core.Tests.Support.Scenario

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation

/// One member under test, the time, and what its last transition asked for.
[<NoComparison; NoEquality>]
type Scene = { Config: NodeConfig; Now: int64; State: State; Outputs: Output list; SendAfter: uint64 }

/// The member under test is n1; n2 to n5 are others.
let n1, n2, n3, n4 = Naming.memberOf 1 1, Naming.memberOf 2 1, Naming.memberOf 3 1, Naming.memberOf 4 1

let theLineage = Name.lineage 7
let term (number: int) = Term(uint64 number)
let index (number: int) = LogIndex(uint64 number)
let position (number: int) (place: int) = LogPosition(term number, index place)
let committee = Configuration.ofVoters [ n1; n2; n3 ]
let factsOf (lineage: Lineage) : PeerFacts =
    { Lineage = lineage; Preference = LeadershipPreference.Normal; HasCommands = false }

let facts = factsOf theLineage
let blank = factsOf Lineage.None

let config =
    { Consensus =
        { ConsensusConfig.defaults with
            HeartbeatInterval = 100
            ElectionTimeout = 1_000
            ElectionTimeoutJitter = 0
            ForwardTimeout = 400
            EntriesUncommittedMax = 8 }
      Preference = NodePreference.normal }

let entry (place: int) (number: int) : LogEntry =
    { Index = index place
      Term = term number
      Kind = EntryKind.NoOp
      BatchRemaining = 0
      Timestamp = 0L
      Proposer = null
      Number = 0UL
      Payload = ReadOnlyMemory.Empty }

let foundation (number: int) =
    { entry 1 number with
        Kind = EntryKind.Configuration
        Payload = ReadOnlyMemory(Configuration.encode theLineage committee) }

/// Entries from a place on, by their terms; the first place of all holds the configuration.
let entries (first: int) (terms: int list) =
    terms
    |> List.mapi (fun offset number ->
        if first + offset = 1 then
            foundation number
        else
            entry (first + offset) number)
    |> Array.ofList

let private beginStored config (stored: StoredState) =
    let clock = { Now = Instant 0L; Wall = 0L }
    { Config = config
      Now = 0L
      State = State.restore config clock 1UL stored
      Outputs = []
      SendAfter = 0UL }

let private begin' config (hard: HardState) outline configurations =
    beginStored config { State.fresh hard with Outline = outline; Configurations = configurations }

let private hardOf lineage number : HardState =
    { Member = n1
      Session = 1UL
      Lineage = lineage
      CurrentTerm = term number
      VotedFor = null
      Acknowledged = LogPosition.Zero }

/// Gives inputs as one transition.
let gets (inputs: Input list) (scene: Scene) =
    let clock = { Now = Instant scene.Now; Wall = scene.Now }
    let transition = Raft.stepAll scene.Config clock inputs scene.State
    { scene with
        State = transition.State
        Outputs = transition.Outputs
        SendAfter = transition.SendAfter }

let receives (sender: MemberId) (message: Message) (scene: Scene) =
    gets [ Input.Received(sender, message) ] scene

/// The disk ends all writes.
let persists (scene: Scene) =
    gets [ Input.Persisted scene.State.WriteSequence ] scene

let at (milliseconds: int) (scene: Scene) = { scene with Now = int64 milliseconds }

let ticks (scene: Scene) = gets [ Input.Tick ] scene

/// A member of a running lineage, bonded to n2 and n3, in a term and with entries of these terms.
let memberWith config (number: int) (terms: int list) =
    let outline = LogOutline.append (ReadOnlyMemory(entries 1 terms)) LogOutline.empty
    begin' config (hardOf theLineage number) outline [ struct (index 1, committee) ]
    |> gets [ Input.PeerUp(n2, facts); Input.PeerUp(n3, facts) ]

let follower (number: int) (terms: int list) = memberWith config number terms

/// A snapshot of 100 bytes that stands at a position.
let snapshotAt (number: int) (place: int) : SnapshotFacts =
    { Lineage = theLineage
      Position = position number place
      Configuration = committee
      Length = 100L
      Checksum = 7u }

/// A member that starts from a snapshot, with entries of these terms after it, bonded to n2 and n3.
let restartedAt (snapshot: SnapshotFacts) (number: int) (terms: int list) =
    let after = int snapshot.Position.Index.Value + 1
    let outline =
        LogOutline.restore snapshot.Position snapshot.Position []
        |> LogOutline.append (ReadOnlyMemory(entries after terms))
    beginStored
        config
        { Hard = hardOf theLineage number
          Outline = outline
          Configurations = [ struct (snapshot.Position.Index, snapshot.Configuration) ]
          Snapshot = ValueSome snapshot
          FirstCommand = snapshot.Position.Index
          Dissolution = LogIndex.Zero
          LastTimestamp = 5_000L }
    |> gets [ Input.PeerUp(n2, facts); Input.PeerUp(n3, facts) ]

/// A member without a log, bonded to n2 and n3, which have none either.
let newcomer config =
    begin' config (hardOf Lineage.None 0) LogOutline.empty []
    |> gets [ Input.PeerUp(n2, blank); Input.PeerUp(n3, blank) ]

let requestVote (ballot: Ballot) (number: int) (last: LogPosition) =
    Message.RequestVote { Lineage = theLineage; Term = term number; Last = last; Ballot = ballot }

let voteReply (preVote: bool) (number: int) (vote: Vote) =
    Message.RequestVoteReply { Lineage = theLineage; Term = term number; Vote = vote; PreVote = preVote }

let header (number: int) (previous: LogPosition) (commit: int) : AppendHeader =
    { Lineage = theLineage
      Term = term number
      Session = 1UL
      Round = 0UL
      Previous = previous
      Commit = index commit }

/// An append of a leader of term `number`: entries of these terms right after `previous`.
let append (number: int) (previous: LogPosition) (terms: int list) (commit: int) =
    let added = entries (int previous.Index.Value + 1) terms
    Message.AppendEntries(header number previous commit, ReadOnlyMemory added)

let appendReply (number: int) (session: int) (round: int) (outcome: AppendOutcome) =
    Message.AppendEntriesReply
        { Lineage = theLineage
          Term = term number
          Session = uint64 session
          Round = uint64 round
          Outcome = outcome }

let accepts (number: int) (session: int) (upTo: int) =
    appendReply number session 0 (AppendOutcome.Accepted(index upTo))

/// The replication session that a leader has with a member.
let sessionWith (id: MemberId) (scene: Scene) =
    match scene.State.Role with
    | Role.Leader leading -> int leading.Progress[id].Session
    | _ -> failtest "not a leader"

/// The machine has applied the log up to a place, and a snapshot of it is durable.
let savesAt (number: int) (place: int) (kept: int) (scene: Scene) =
    scene
    |> gets [ Input.Applied(index place, 0UL, false); Input.SnapshotSaved(snapshotAt number place, kept) ]

/// A leader of term `number` sends bytes of a snapshot; none in an offer.
let offer (number: int) (snapshot: SnapshotFacts) (offset: int) (count: int) =
    let head = header number snapshot.Position (int snapshot.Position.Index.Value)
    let chunk: SnapshotChunk = { Offset = int64 offset; Data = ReadOnlyMemory(Array.zeroCreate count) }
    Message.InstallSnapshot(head, snapshot, chunk)

/// The member leads in the term after `number`, with entries of these terms and its no-op, which is durable.
let leaderWith config (number: int) (terms: int list) =
    memberWith config number terms
    |> at 2_000
    |> ticks
    |> receives n2 (voteReply true (number + 1) Vote.Granted)
    |> receives n2 (voteReply false (number + 1) Vote.Granted)
    |> persists

let leader (number: int) (terms: int list) = leaderWith config number terms

/// Both followers have everything durable.
let followedBy (ids: MemberId list) (scene: Scene) =
    let number = int scene.State.CurrentTerm.Value
    let last = int scene.State.Outline.Last.Index.Value
    ids
    |> List.fold (fun scene id -> receives id (accepts number (sessionWith id scene) last) scene) scene

/// What was asked for, one line each.
let told (scene: Scene) =
    scene.Outputs |> List.map ShowOutput.line

let expectTold (line: string) (scene: Scene) =
    Expect.contains (told scene) line "the transition asks for it"
    scene

let expectNotTold (part: string) (scene: Scene) =
    let found = told scene |> List.filter (fun line -> line.Contains part)
    Expect.isEmpty found $"nothing says '{part}'"
    scene

let expectRole (role: string) (scene: Scene) =
    Expect.equal (Show.role scene.State) role "the member's part"
    scene

let expectTerm (number: int) (scene: Scene) =
    Expect.equal (int scene.State.CurrentTerm.Value) number "the term"
    scene

let expectCommit (place: int) (scene: Scene) =
    Expect.equal (int scene.State.CommitIndex.Value) place "the commit index"
    scene

let expectLast (last: LogPosition) (scene: Scene) =
    Expect.equal (string scene.State.Outline.Last) (string last) "the last entry"
    scene

/// Words of this transition wait for its write.
let expectHeld (scene: Scene) =
    Expect.equal scene.SendAfter scene.State.WriteSequence "words wait for the write"
    scene

let expectHalted (scene: Scene) =
    Expect.isTrue scene.State.Halted.IsSome "the member halts"
    scene
