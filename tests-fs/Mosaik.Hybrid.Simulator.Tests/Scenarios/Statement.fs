namespace Mosaik.Hybrid.Simulator.Tests.Scenarios

open Mosaik.Hybrid.Simulation

/// Who is meant. Roles are looked up when the statement is played.
[<RequireQualifiedAccess>]
type PeerWord =
    | Number of int
    | Named of string
    /// Whoever leads in the latest term.
    | Leader
    /// The lowest-numbered running peer that does not lead.
    | Follower
    /// All running peers that do not lead.
    | Followers
    /// All peers, running or not.
    | Everyone

/// Some peers, and who is not meant: `everyone but leader n4`.
type Peers = { Words: PeerWord list; Except: PeerWord list }

/// How long something takes; a timeout is the longest wait of a usual member for an election.
[<RequireQualifiedAccess>]
type Span =
    | Timeouts of int
    | Milliseconds of int

/// What the group and its surroundings are like. Only before the first event.
[<RequireQualifiedAccess>]
type Setting =
    | Reluctant of peers: int list * factor: int
    | Observer of peers: int list
    /// Their clocks run slow, or fast, by so many parts in a thousand.
    | Drift of peers: int list * perMille: int
    | Jitter of milliseconds: int
    | VotersMax of int
    /// How long a voter is silent before it is replaced or removed.
    | RemovalDelay of milliseconds: int
    | EntriesAnAppend of int
    | ForwardTimeout of milliseconds: int
    | BootstrapDelay of milliseconds: int
    | NetworkRepeats of perMille: int
    | NetworkDelays of low: int * high: int
    | DisksTake of microseconds: int
    /// A snapshot each time so many entries are applied; the log forgets all before it.
    | SnapshotEvery of entries: int
    | BytesAnAppend of int
    | MachinesApply of entries: int * microseconds: int

[<RequireQualifiedAccess>]
type Number =
    | TermOf of Peers
    | CommitOf of Peers
    /// Where a command stands in a member's log.
    | PlaceOf of label: string * Peers
    | Remembered of string

type Comparison =
    | Is = 0
    | Above = 1
    | AtLeast = 2

/// What is awaited or expected. Of several peers all are meant, and with `not` none of them.
[<RequireQualifiedAccess>]
type Condition =
    | Not of Condition
    | SomeoneLeads
    | Leads of Peers
    /// They neither lead nor know who does.
    | NoLeaderAt of Peers
    /// All of them stand for election, in the same term.
    | Candidates of Peers
    | Alone of Peers
    | Down of Peers
    | Learner of Peers
    /// These are all voters of the leader's configuration.
    | Voters of Peers
    /// The voters of the leader's configuration are these and nobody else, and it is not joint.
    | Committee of Peers
    /// The newest configuration of their logs is joint.
    | Joint of Peers
    | Outcome of label: string * CallOutcome
    | Ended of label: string
    | Answered of label: string * names: string list
    | Holds of Peers * label: string
    | OnDisk of Peers * label: string
    | Committed of Peers * label: string
    /// A snapshot stands for the command: the log begins after it.
    | Forgot of Peers * label: string
    /// The leader knows that the others have the command on their disks.
    | Counts of leader: Peers * label: string * others: Peers
    | HoldsTerms of Peers * int
    | Forwarded of Peers * times: int
    /// One message carried at least so many entries.
    | Append of sender: Peers * recipient: Peers * entries: int
    | MachineOf of Peers * names: string list
    | Compare of Number * Comparison * Number
    /// The committed entry at a remembered place is the command, or, without one, is there.
    | EntryAt of place: string * label: string voption
    | Rest
    | SameState
    | Lineages of int
    | OneLeaderATerm
    | Seen of Sight

type Deed =
    | Start = 0
    | Crash = 1
    | Wipe = 2
    | Pause = 3
    | Resume = 4
    | StallDisk = 5
    | FreeDisk = 6
    | Isolate = 7
    | Leave = 8

[<RequireQualifiedAccess>]
type Statement =
    | Group of peers: int * founding: int
    | Set of Setting
    | Let of name: string * Peers
    | Do of Deed * Peers
    /// A peer is asked to see to it that another one leads; that whoever is fit does, without a target.
    | HandOver of asked: Peers * target: Peers voption
    | Cut of senders: Peers * receivers: Peers * bothWays: bool
    | Join of senders: Peers * receivers: Peers * bothWays: bool
    | Heal
    | WallClock of Peers * by: int
    | Execute of Peers * labels: string list * name: string * patience: Span voption
    | Read of Peers * isStrong: bool * name: string * patience: Span voption
    | Run of Span
    | Remember of name: string * Number
    | Await of Condition
    | Expect of Condition

/// A statement, and where it stands.
type Line = { Number: int; Text: string; Statement: Statement }

/// The text of a scenario is wrong: the file, the line, and why.
exception ScriptError of file: string * line: int * reason: string with
    override this.Message = $"{this.file}:{this.line}: {this.reason}"
