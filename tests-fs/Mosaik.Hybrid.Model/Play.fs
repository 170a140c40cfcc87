namespace Mosaik.Hybrid.Model

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// How often things happened on the way: a model in which nothing interesting happens proves nothing.
type Coverage() =
    member val Elections = 0L with get, set
    member val Commits = 0L with get, set
    member val Truncations = 0L with get, set
    member val Rejections = 0L with get, set
    member val CrashesThatLose = 0L with get, set
    member val VotesDenied = 0L with get, set
    member val Foundings = 0L with get, set
    member val Admissions = 0L with get, set
    member val NewBeginnings = 0L with get, set

/// Where a play stood: to go on from there once more.
[<NoEquality; NoComparison>]
type Standing =
    { Nodes: Node[]
      Ghost: Ghost
      Released: Word list
      Broken: Violation voption
      Lines: int
      Crashes: int
      Proposals: int
      Duplicates: int
      Network: Word list }

/// One action as it is played: a working copy of a state, and the things that can happen to it. Whatever happens is
/// judged at once; nothing happens any more after a rule is broken.
[<Sealed>]
type Play(bounds: Bounds, cast: Cast) =

    let config = Normal.configOf bounds
    let show = Show cast
    let rules = Rules(bounds, cast, show)
    let coverage = Coverage()
    let encoding = Encoding(bounds, cast)

    let mutable nodes: Node[] = [||]
    let mutable ghost = Ghost([], [], [])
    let mutable released: Word list = []
    let mutable broken: Violation voption = ValueNone
    let mutable crashes = 0
    let mutable proposals = 0
    let mutable duplicates = 0
    let mutable network: Word list = []
    let mutable story: List<string> | null = null

    let tell (line: unit -> string) =
        match story with
        | null -> ()
        | lines -> lines.Add(line ())

    let breaks (found: Violation voption) =
        if broken.IsNone then
            broken <- found

    let bonds =
        match bounds.Tier with
        | Tier.Async -> [| for number in 0 .. cast.Size - 1 -> cast.Bonds(cast.Everybody ^^^ (1 <<< number)) |]
        | Tier.Atomic
        | Tier.Founding
        | Tier.Configuration -> Array.create cast.Size (cast.Bonds 0)

    let hardOf (hard: HardState) : Hard =
        { Term = int hard.CurrentTerm.Value
          Vote =
            match hard.VotedFor with
            | null -> -1
            | id -> cast.NumberOf id
          Lineage = cast.LineageCode hard.Lineage }

    let truncated (from: int) (log: Entry[]) =
        if from = 0 || from > log.Length then
            log
        else
            Array.truncate (from - 1) log

    let applied (written: Written) (log: Entry[]) =
        let log = truncated written.TruncateFrom log
        if written.Entries.Length = 0 then
            log
        else
            Array.append log written.Entries

    let writtenOf (write: Write) : Written =
        { Hard =
            match write.HardState with
            | null -> ValueNone
            | hard -> ValueSome(hardOf hard)
          TruncateFrom = int write.TruncateFrom.Value
          Entries =
            [| for run in write.Entries do
                   for entry in run.ToArray() -> cast.Entry entry |] }

    let wordOf (number: int) (log: Entry[]) (output: Output) : Word voption =
        match output with
        | Output.Send(recipient, message) ->
            let recipient = cast.NumberOf recipient
            if recipient < 0 then
                ValueNone
            else
                ValueSome(Word(number, recipient, message, [||]))
        | Output.SendEntries(recipient, header, range) ->
            let carried = log[int range.First.Value - 1 .. int range.Last.Value - 1]
            let values = carried |> Array.map (fun entry -> entry.Value)
            let message = Message.AppendEntries(header, ReadOnlyMemory values)
            ValueSome(Word(number, cast.NumberOf recipient, message, carried))
        | Output.Write _
        | Output.SetDeadline _
        | Output.Apply _
        | Output.Notify _
        | Output.Halt _
        | Output.SendCommands _
        | Output.Resubmit _
        | Output.Assigned _
        | Output.ReadReady _
        | Output.ReadRefused _
        | Output.Blame _
        | Output.Reset -> ValueNone

    /// Notes what leaves a member for others, and judges it.
    let release (number: int) (word: Word) =
        let vote term candidate =
            breaks (rules.Voted(number, nodes[number], term, candidate))
            nodes[number] <- nodes[number].With(vote' = struct (term, candidate))
        match word.Message with
        | Message.RequestVote { Ballot = Ballot.PreVote } -> ()
        | Message.RequestVote request -> vote (int request.Term.Value) number
        | Message.RequestVoteReply reply when not reply.PreVote && reply.Vote = Vote.Granted ->
            vote (int reply.Term.Value) word.Recipient
        | Message.RequestVoteReply reply ->
            if reply.Vote = Vote.Denied then
                coverage.VotesDenied <- coverage.VotesDenied + 1L
        | Message.AppendEntriesReply { Outcome = AppendOutcome.Rejected _ } ->
            coverage.Rejections <- coverage.Rejections + 1L
        | Message.AppendEntriesReply _
        | Message.AppendEntries _
        | Message.ReadIndex _
        | Message.ReadIndexReply _
        | Message.Forward _
        | Message.ForwardReply _ -> ()
        released <- released @ [ word ]

    let rec releaseAll (number: int) (words: Word list) =
        match words with
        | [] -> ()
        | word :: rest ->
            release number word
            releaseAll number rest

    let noteFounding (number: int) (before: State) (after: State) =
        let term = int after.CurrentTerm.Value
        match after.Role with
        | Role.Founder(_, lineage, _) -> cast.Register(lineage, number, term)
        | Role.Leader _ when before.Lineage.IsNone ->
            cast.Register(after.Lineage, number, term)
            coverage.Foundings <- coverage.Foundings + 1L
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _ -> ()

    let note (before: State) (after: State) =
        if
            State.isLeader after
            && not (State.isLeader before && before.CurrentTerm = after.CurrentTerm)
        then
            coverage.Elections <- coverage.Elections + 1L
        if after.CommitIndex > before.CommitIndex then
            coverage.Commits <- coverage.Commits + 1L

    let judgeAcknowledgement (number: int) (word: Word) =
        match word.Message with
        | Message.AppendEntriesReply { Outcome = AppendOutcome.Accepted upTo } ->
            breaks (rules.Acknowledged(number, nodes[number], upTo))
        | Message.AppendEntriesReply _
        | Message.RequestVote _
        | Message.RequestVoteReply _
        | Message.AppendEntries _
        | Message.ReadIndex _
        | Message.ReadIndexReply _
        | Message.Forward _
        | Message.ForwardReply _ -> ()

    /// The log and the writes on their way after the outputs of a step.
    let writes (number: int) (node: Node) (outputs: Output list) : struct (Entry[] * Written list) =
        let mutable log = node.Log
        let mutable pending = node.Pending
        for output in outputs do
            match output with
            | Output.Write write ->
                let written = writtenOf write
                if written.TruncateFrom > 0 && written.TruncateFrom <= log.Length then
                    coverage.Truncations <- coverage.Truncations + 1L
                if
                    written.Entries
                    |> Array.exists (fun entry -> entry.Kind = EntryKind.Configuration)
                then
                    coverage.Admissions <- coverage.Admissions + 1L
                log <- applied written log
                pending <- pending @ [ written ]
                breaks (rules.Write(number, write, log))
            | Output.Halt violation ->
                breaks (
                    ValueSome
                        { Rule = Rule.coreHalts
                          Evidence = $"{show.Name number}: {violation.Rule} {violation.Evidence}" }
                )
            | Output.Blame(peer, evidence) ->
                breaks (
                    ValueSome
                        { Rule = Rule.coreBlames
                          Evidence = $"{show.Name number} blames {show.Name(cast.NumberOf peer)}: {evidence}" }
                )
            | Output.Reset
            | Output.SetDeadline _
            | Output.Apply _
            | Output.Notify _
            | Output.Send _
            | Output.SendEntries _
            | Output.SendCommands _
            | Output.Resubmit _
            | Output.Assigned _
            | Output.ReadReady _
            | Output.ReadRefused _ -> ()
        struct (log, pending)

    /// The member after a transition, with words held back that wait for a write.
    let settle (number: int) (before: Node) (transition: Transition) =
        let after = transition.State
        noteFounding number before.State after
        let basis = after.PersistedSequence
        let struct (log, pending) = writes number before transition.Outputs
        let words =
            transition.Outputs
            |> List.choose (fun output ->
                match wordOf number log output with
                | ValueSome word -> Some word
                | ValueNone -> None)
        let mayLeave = transition.SendAfter <= basis || bounds.Sabotage = Sabotage.SpeakTooSoon
        let settled =
            before.Held
            |> List.map (fun held -> { held with After = held.After - int basis })
        let struct (freed, stillHeld) =
            let freed, stillHeld = settled |> List.partition (fun held -> held.After <= 0)
            struct (freed |> List.map (fun held -> held.Word), stillHeld)
        let held =
            if mayLeave then
                stillHeld
            else
                let after = int (transition.SendAfter - basis)
                stillHeld @ (words |> List.map (fun word -> { After = after; Word = word }))
        let node =
            before.With(
                state' = Normal.ofState bounds bonds[number] after,
                log' = log,
                pending' = pending,
                held' = held
            )
        nodes[number] <- node
        let struct (judged, found) = rules.Step(nodes, number, before, ghost)
        ghost <- judged
        breaks found
        words |> List.iter (judgeAcknowledgement number)
        note before.State node.State
        releaseAll number (if mayLeave then freed @ words else freed)

    let leave (number: int) =
        tell (fun () -> $"{show.Name number} forgets its log and begins anew")
        coverage.NewBeginnings <- coverage.NewBeginnings + 1L
        let struct (judged, found) = rules.Dissolved(nodes[number], ghost)
        ghost <- judged
        breaks found
        let node = nodes[number]
        nodes[number] <-
            node.With(
                hasLeft' = true,
                state' = { node.State with Role = Role.Follower },
                log' = [||],
                durable' = [||],
                pending' = [],
                held' = []
            )

    let step (number: int) (clock: Clock) (bonded: Map<MemberId, PeerFacts>) (input: Input) =
        let before = nodes[number]
        try
            let state =
                if obj.ReferenceEquals(bonded, before.State.Bonded) then
                    before.State
                else
                    { before.State with Bonded = bonded }
            let transition = Raft.step config clock input state
            settle number before transition
            for output in transition.Outputs do
                if output.IsReset && not nodes[number].HasLeft then
                    leave number
        with error ->
            breaks (
                ValueSome
                    { Rule = Rule.coreThrows
                      Evidence = $"{show.Name number}: {error.GetType().Name} {error.Message}" }
            )

    member _.Coverage = coverage
    member _.Cast = cast
    member _.Show = show
    member _.Broken = broken
    member _.Nodes = nodes
    member _.Crashes = crashes
    member _.Proposals = proposals
    member _.Duplicates = duplicates

    /// The words that have left a member since the last Take, oldest first.
    member _.Take() =
        let words = released
        released <- []
        words

    /// Where what happens is written down from now on; null for nowhere.
    member _.Story
        with get () = story
        and set (lines: List<string> | null) = story <- lines

    member _.Load(world: World) =
        nodes <- Array.copy world.Nodes
        ghost <- world.Ghost
        released <- []
        broken <- ValueNone
        crashes <- world.Crashes
        proposals <- world.Proposals
        duplicates <- world.Duplicates
        network <- world.Network
        match story with
        | null -> ()
        | lines -> lines.Clear()

    member _.Save() : Standing =
        { Nodes = Array.copy nodes
          Ghost = ghost
          Released = released
          Broken = broken
          Lines =
            (match story with
             | null -> 0
             | lines -> lines.Count)
          Crashes = crashes
          Proposals = proposals
          Duplicates = duplicates
          Network = network }

    member _.Restore(standing: Standing) =
        nodes <- Array.copy standing.Nodes
        ghost <- standing.Ghost
        released <- standing.Released
        broken <- standing.Broken
        crashes <- standing.Crashes
        proposals <- standing.Proposals
        duplicates <- standing.Duplicates
        network <- standing.Network
        match story with
        | null -> ()
        | lines -> lines.RemoveRange(standing.Lines, lines.Count - standing.Lines)

    member _.Network
        with get () = network
        and set (words: Word list) = network <- words

    /// Puts a member as another play of the same action left it.
    member _.Place(number: int, node: Node) = nodes[number] <- node

    member _.Tell(line: string) = tell (fun () -> line)

    /// The same message twice is one in the network.
    member _.IsOnItsWay(word: Word) =
        let digest = encoding.Word word
        network |> List.exists (fun other -> (encoding.Word other).Equals digest)

    /// Gives a member an input. No bonds given: as between actions.
    member _.Step(number: int, clock: Clock, input: Input, ?bonded: Map<MemberId, PeerFacts>) =
        if broken.IsNone && not nodes[number].HasLeft then
            step number clock (defaultArg bonded bonds[number]) input

    /// A message arrives.
    member _.Deliver(word: Word, clock: Clock) =
        let number = word.Recipient
        if broken.IsNone && not nodes[number].HasLeft then
            tell (fun () ->
                $"{show.Name number} hears: {show.Name word.Sender} {show.Message(word.Message, word.Entries)}")
            let before = nodes[number]
            step number clock bonds[number] (Input.Received(cast.Member word.Sender, word.Message))
            let lineage = Message.lineageOf word.Message
            if
                not lineage.IsNone
                && not before.State.Lineage.IsNone
                && lineage <> before.State.Lineage
                && not nodes[number].HasLeft
            then
                breaks (rules.Foreign(number, before, nodes[number]))

    /// The oldest write of a member on its way becomes durable.
    member _.Sync(number: int) =
        let node = nodes[number]
        match node.Pending with
        | write :: later when broken.IsNone ->
            tell (fun () -> $"{show.Name number}'s write becomes durable")
            let hard =
                match write.Hard with
                | ValueSome hard -> hard
                | ValueNone -> node.Hard
            nodes[number] <- node.With(hard' = hard, durable' = applied write node.Durable, pending' = later)
            step number Moment.now bonds[number] (Input.Persisted 1UL)
        | _ -> ()

    member this.SyncAll(number: int) =
        while broken.IsNone && not nodes[number].Pending.IsEmpty do
            this.Sync number

    /// A crash, and a restart at once. Of the writes on their way the first `kept` have reached the disk.
    member _.Crash(number: int, kept: int) =
        let node = nodes[number]
        tell (fun () ->
            $"{show.Name number} crashes and restarts, with {kept} of the {node.Pending.Length} writes on their way")
        crashes <- crashes + 1
        if kept < node.Pending.Length then
            coverage.CrashesThatLose <- coverage.CrashesThatLose + 1L
        let mutable hard = node.Hard
        let mutable durable = node.Durable
        for write in List.truncate kept node.Pending do
            durable <- applied write durable
            match write.Hard with
            | ValueSome later -> hard <- later
            | ValueNone -> ()
        match bounds.Sabotage with
        | Sabotage.ForgetVote -> hard <- { hard with Vote = -1 }
        | Sabotage.LoseDurableEntry when durable.Length > 1 ->
            durable <- Array.truncate (durable.Length - 1) durable
        | Sabotage.LoseDurableEntry
        | Sabotage.Nothing
        | Sabotage.SpeakTooSoon
        | Sabotage.ForgeVotes
        | Sabotage.ForgeAcknowledgements -> ()
        nodes[number] <- Restart.node bounds config cast bonds[number] number hard durable node.Vote

    /// The client's next command reaches a leader.
    member this.Propose(number: int, ?bonded: Map<MemberId, PeerFacts>) =
        proposals <- proposals + 1
        tell (fun () -> $"{show.Name number} takes command {proposals}")
        let header: ForwardHeader =
            { Lineage = nodes[number].State.Lineage
              Term = nodes[number].State.CurrentTerm
              Applied = 0UL }
        let commands = ReadOnlyMemory [| cast.Command proposals |]
        let input = Input.Received(cast.Client, Message.Forward(header, commands))
        this.Step(number, Moment.now, input, defaultArg bonded bonds[number])

    member _.Duplicate() = duplicates <- duplicates + 1

    /// Forgets that a member has heard its leader lately: time passed.
    member _.Silence(number: int) =
        let node = nodes[number]
        tell (fun () -> $"{show.Name number} has not heard its leader for long")
        nodes[number] <- node.With(state' = { node.State with LeaderHeardAt = State.longAgo })

    /// The state as it is now. In the atomic tiers what was said in the action is over.
    member _.Seal() : World =
        let isAtomic =
            match bounds.Tier with
            | Tier.Async -> false
            | Tier.Atomic
            | Tier.Founding
            | Tier.Configuration -> true
        let sealedNodes =
            if isAtomic then
                nodes
                |> Array.map (fun node ->
                    let state = Normal.withoutCandidacy node.State
                    let held = if node.Held.IsEmpty then node.Held else []
                    if
                        obj.ReferenceEquals(state, node.State)
                        && obj.ReferenceEquals(held, node.Held)
                    then
                        node
                    else
                        node.With(state' = state, held' = held))
            else
                Array.copy nodes
        let digest = encoding.World(sealedNodes, network, ghost, crashes, proposals, duplicates)
        World(sealedNodes, network, ghost, crashes, proposals, duplicates, digest)

    /// True while no member is beyond the last term.
    member _.IsWithin =
        let last =
            match bounds.Tier with
            | Tier.Founding -> bounds.Terms
            | Tier.Atomic
            | Tier.Async
            | Tier.Configuration -> bounds.Terms + 1
        nodes
        |> Array.forall (fun node -> node.State.CurrentTerm.Value <= uint64 last)
