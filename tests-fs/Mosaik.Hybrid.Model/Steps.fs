namespace Mosaik.Hybrid.Model

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What is worth counting: a model in which nothing interesting happens proves nothing.
type Sight =
    | Election = 0
    | Commit = 1
    | Truncation = 2
    | Rejection = 3
    | VoteDenied = 4
    | CrashThatLoses = 5
    | Founding = 6
    | Admission = 7
    | NewBeginning = 8
    /// A joint configuration was appended.
    | JointEntered = 9
    /// A configuration with more voters than the given one, and not joint any more.
    | Promotion = 10

/// How often each was seen, over all transitions.
[<Sealed>]
type Coverage() =
    let counts: int64[] = Array.zeroCreate 11
    member _.Note(sight: Sight) =
        counts[int sight] <- counts[int sight] + 1L
    member _.Of(sight: Sight) = counts[int sight]

/// What can happen to a member.
[<RequireQualifiedAccess>]
type Event =
    /// Time passes to a heartbeat, or to all deadlines, with these others bonded.
    | Heartbeat of bonded: int
    | Deadline of bonded: int
    | Hear of Word
    /// A message after all deadlines have passed.
    | HearLate of Word
    | Persisted
    | Propose of number: int
    | BondBroke of other: int
    | Bonded of other: int
    | Affiliated of other: int * lineage: int
    | Crash of kept: int
    | Silence

/// What an event makes of a member, whatever the others are.
[<NoEquality; NoComparison>]
type Outcome =
    {
        Node: Node
        /// What leaves it, in order.
        Released: Word list
        Broken: Violation voption
        Seen: Sight list
    }

/// The steps of one member: each is played once on the real core, judged, and remembered.
[<Sealed>]
type Steps(bounds: Bounds, cast: Cast, show: Show, rules: Rules, encoding: Encoding) =

    let config = Normal.configOf bounds
    let outcomes = Dictionary<int64, Outcome>()

    let numberOfEvent (event: Event) : int64 =
        match event with
        | Event.Heartbeat bonded -> int64 bonded * 16L
        | Event.Deadline bonded -> int64 bonded * 16L + 1L
        | Event.Hear word -> int64 word.Id * 16L + 2L
        | Event.HearLate word -> int64 word.Id * 16L + 3L
        | Event.Persisted -> 4L
        | Event.Propose number -> int64 number * 16L + 5L
        | Event.BondBroke other -> int64 other * 16L + 6L
        | Event.Bonded other -> int64 other * 16L + 7L
        | Event.Affiliated(other, lineage) -> int64 (other * 256 + lineage) * 16L + 8L
        | Event.Crash kept -> int64 kept * 16L + 9L
        | Event.Silence -> 10L

    let isAsync =
        match bounds.Tier with
        | Tier.Async -> true
        | Tier.Atomic
        | Tier.Founding
        | Tier.Configuration -> false

    let everyOther (number: int) = cast.Everybody ^^^ (1 <<< number)

    /// Whom a member is bonded to between actions: in the atomic tiers only for a message's time.
    let bonds = Array.init cast.Size (fun number -> cast.Bonds(if isAsync then everyOther number else 0))

    let hardOf (hard: HardState) : Hard =
        { Term = int hard.CurrentTerm.Value
          Vote =
            match hard.VotedFor with
            | null -> -1
            | id -> cast.NumberOf id
          Lineage = cast.LineageCode hard.Lineage }

    let applied (written: Written) (log: Entry[]) =
        let kept =
            if written.TruncateFrom = 0 || written.TruncateFrom > log.Length then
                log
            else
                Array.truncate (written.TruncateFrom - 1) log
        if written.Entries.Length = 0 then
            kept
        else
            Array.append kept written.Entries

    let writtenOf (write: Write) : Written =
        { Hard =
            match write.HardState with
            | null -> ValueNone
            | hard -> ValueSome(hardOf hard)
          TruncateFrom = int write.TruncateFrom.Value
          Entries =
            [| for run in write.Entries do
                   for entry in run.ToArray() -> cast.Entry entry |] }

    let wordOf (number: int) (log: Entry[]) (output: Output) : Word option =
        match output with
        | Output.Send(recipient, message) when cast.NumberOf recipient >= 0 ->
            Some(encoding.Word(Word(number, cast.NumberOf recipient, message, [||])))
        | Output.SendEntries(recipient, header, range) ->
            let carried = log[int range.First.Value - 1 .. int range.Last.Value - 1]
            let values = carried |> Array.map (fun entry -> entry.Value)
            let message = Message.AppendEntries(header, ReadOnlyMemory values)
            Some(encoding.Word(Word(number, cast.NumberOf recipient, message, carried)))
        | Output.Send _
        | Output.Write _
        | Output.Install _
        | Output.Compact _
        | Output.SendSnapshot _
        | Output.ServeEntries _
        | Output.Surveyed _
        | Output.Keep _
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
        | Output.Reset -> None

    /// What an output of the core breaks by being there at all.
    let brokenBy (number: int) (output: Output) : Violation option =
        match output with
        | Output.Halt violation ->
            Some
                { Rule = Rule.coreHalts
                  Evidence = $"{show.Name number}: {violation.Rule} {violation.Evidence}" }
        | Output.Blame(peer, evidence) ->
            Some
                { Rule = Rule.coreBlames
                  Evidence = $"{show.Name number} blames {show.Name(cast.NumberOf peer)}: {evidence}" }
        | Output.Send _
        | Output.SendEntries _
        | Output.Write _
        | Output.Install _
        | Output.Compact _
        | Output.SendSnapshot _
        | Output.ServeEntries _
        | Output.Surveyed _
        | Output.Keep _
        | Output.SetDeadline _
        | Output.Apply _
        | Output.Notify _
        | Output.SendCommands _
        | Output.Resubmit _
        | Output.Assigned _
        | Output.ReadReady _
        | Output.ReadRefused _
        | Output.Reset -> None

    /// Log and writes on their way after a step, and what of the writes breaks a rule.
    let written (number: int) (before: Node) (outputs: Output list) =
        let mutable log = before.Log
        let mutable pending = before.Pending
        let mutable broken = ValueNone
        for output in outputs do
            match output with
            | Output.Write write ->
                let written = writtenOf write
                log <- applied written log
                pending <- pending @ [ written ]
                broken <- rules.Write(number, write, log)
            | _ -> ()
        struct (log, pending, broken)

    let sightsOfWrite (before: Node) (written: Written) =
        [ if written.TruncateFrom > 0 && written.TruncateFrom <= before.Log.Length then
              Sight.Truncation
          for entry in written.Entries do
              match entry.Kind, Configuration.decode entry.Value.Payload with
              | EntryKind.Configuration, Ok(struct (_, configuration)) ->
                  Sight.Admission
                  if Configuration.isJoint configuration then
                      Sight.JointEntered
                  elif configuration.Voters.Length > bounds.Members then
                      Sight.Promotion
              | _, _ -> () ]

    let sights (before: Node) (after: Node) (released: Word list) =
        [ if
              State.isLeader after.State
              && not (
                  State.isLeader before.State
                  && before.State.CurrentTerm = after.State.CurrentTerm
              )
          then
              Sight.Election
              if before.State.Lineage.IsNone then
                  Sight.Founding
          if after.State.CommitIndex > before.State.CommitIndex then
              Sight.Commit
          for written in List.skip (min before.Pending.Length after.Pending.Length) after.Pending do
              yield! sightsOfWrite before written
          for word in released do
              match word.Message with
              | Message.RequestVoteReply { Vote = Vote.Denied } -> Sight.VoteDenied
              | Message.AppendEntriesReply { Outcome = AppendOutcome.Rejected _ } -> Sight.Rejection
              | _ -> ()
          if after.HasLeft then
              Sight.NewBeginning ]

    /// The vote with which a word leaves: for whom, in which term.
    let voteIn (number: int) (word: Word) : struct (int * int) voption =
        match word.Message with
        | Message.RequestVote { Ballot = Ballot.PreVote } -> ValueNone
        | Message.RequestVote request -> ValueSome(struct (int request.Term.Value, number))
        | Message.RequestVoteReply reply when not reply.PreVote && reply.Vote = Vote.Granted ->
            ValueSome(struct (int reply.Term.Value, word.Recipient))
        | _ -> ValueNone

    /// Notes the votes that leave a member, and judges them.
    let release (number: int) (node: Node) (words: Word list) : struct (Node * Violation voption) =
        let mutable node = node
        let mutable broken = ValueNone
        for word in words do
            match voteIn number word with
            | ValueSome(struct (term, candidate) as vote) when broken.IsNone ->
                broken <- rules.Voted(number, node, term, candidate)
                node <- node.With(vote' = vote)
            | ValueSome _
            | ValueNone -> ()
        struct (node, broken)

    let acknowledged (number: int) (node: Node) (words: Word list) =
        words
        |> List.tryPick (fun word ->
            match word.Message with
            | Message.AppendEntriesReply { Outcome = AppendOutcome.Accepted upTo } ->
                match rules.Acknowledged(number, node, upTo) with
                | ValueSome broken -> Some broken
                | ValueNone -> None
            | _ -> None)

    /// A founder's lineage has a name from here on.
    let register (number: int) (before: State) (after: State) =
        let term = int after.CurrentTerm.Value
        match after.Role with
        | Role.Founder(_, lineage, _) -> cast.Register(lineage, number, term)
        | Role.Leader _ when before.Lineage.IsNone -> cast.Register(after.Lineage, number, term)
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _ -> ()

    /// Words that may leave now, and those that wait for a write.
    let sort (before: Node) (transition: Transition) (words: Word list) =
        let basis = int transition.State.PersistedSequence
        let settled = before.Held |> List.map (fun held -> { held with After = held.After - basis })
        let freed, waiting = settled |> List.partition (fun held -> held.After <= 0)
        let freed = freed |> List.map (fun held -> held.Word)
        let after = int transition.SendAfter - basis
        if after <= 0 || bounds.Sabotage = Sabotage.SpeakTooSoon then
            struct (freed @ words, waiting)
        else
            struct (freed, waiting @ (words |> List.map (fun word -> { After = after; Word = word })))

    /// A member that begins anew keeps nothing.
    let departed (node: Node) =
        node.With(
            hasLeft' = true,
            state' = { node.State with Role = Role.Follower },
            log' = [||],
            durable' = [||],
            pending' = [],
            held' = []
        )

    let settled (number: int) (before: Node) (transition: Transition) : Outcome =
        register number before.State transition.State
        let struct (log, pending, brokenWrite) = written number before transition.Outputs
        let words = transition.Outputs |> List.choose (wordOf number log)
        let struct (released, held) = sort before transition words
        let node =
            before.With(
                state' = Normal.ofState bounds bonds[number] transition.State,
                log' = log,
                pending' = pending,
                held' = held
            )
        let struct (node, brokenVote) = release number node released
        let broken =
            [ List.tryPick (brokenBy number) transition.Outputs
              ValueOption.toOption brokenWrite
              ValueOption.toOption (rules.Alone(number, before, node))
              ValueOption.toOption brokenVote
              acknowledged number node words ]
            |> List.tryPick id
            |> ValueOption.ofOption
        let hasLeft = transition.Outputs |> List.exists (fun output -> output.IsReset)
        let node = if hasLeft then departed node else node
        { Node = encoding.Node(number, node)
          Released = released
          Broken = broken
          Seen = sights before node released }

    let step (number: int) (node: Node) (clock: Clock) (bonded: Map<MemberId, PeerFacts>) (input: Input) =
        try
            { node.State with Bonded = bonded }
            |> Raft.step config clock input
            |> settled number node
        with error ->
            let evidence = $"{show.Name number}: {error.GetType().Name} {error.Message}"
            { Node = node
              Released = []
              Broken = ValueSome { Rule = Rule.coreThrows; Evidence = evidence }
              Seen = [] }

    /// The oldest write on its way becomes durable, and then the core is told.
    let persisted (number: int) (node: Node) =
        match node.Pending with
        | write :: later ->
            let hard = ValueOption.defaultValue node.Hard write.Hard
            let durable = applied write node.Durable
            let node = node.With(hard' = hard, durable' = durable, pending' = later)
            step number node Moment.now bonds[number] (Input.Persisted 1UL)
        | [] -> invalidOp "No write is on its way."

    /// A crash, and a restart at once. Of the writes on their way the first `kept` have reached the disk.
    let crash (number: int) (node: Node) (kept: int) =
        let mutable hard = node.Hard
        let mutable durable = node.Durable
        for write in List.truncate kept node.Pending do
            durable <- applied write durable
            hard <- ValueOption.defaultValue hard write.Hard
        match bounds.Sabotage with
        | Sabotage.ForgetVote -> hard <- { hard with Vote = -1 }
        | Sabotage.LoseDurableEntry when durable.Length > 1 ->
            durable <- Array.truncate (durable.Length - 1) durable
        | Sabotage.LoseDurableEntry
        | Sabotage.Nothing
        | Sabotage.SpeakTooSoon
        | Sabotage.ForgeVotes
        | Sabotage.ForgeAcknowledgements -> ()
        let restarted = Restart.node bounds config cast bonds[number] number hard durable node.Vote
        { Node = encoding.Node(number, restarted)
          Released = []
          Broken = ValueNone
          Seen =
            if kept < node.Pending.Length then
                [ Sight.CrashThatLoses ]
            else
                [] }

    /// The client's next command reaches a leader.
    let propose (number: int) (node: Node) (command: int) =
        let header: ForwardHeader =
            { Lineage = node.State.Lineage; Term = node.State.CurrentTerm; Applied = 0UL }
        let forward = Message.Forward(header, ReadOnlyMemory [| cast.Command command |])
        step number node Moment.now bonds[number] (Input.Received(cast.Client, forward))

    let play (number: int) (node: Node) (event: Event) : Outcome =
        let received (word: Word) =
            Input.Received(cast.Member word.Sender, word.Message)
        match event with
        | Event.Heartbeat bonded -> step number node Moment.heartbeat (cast.Bonds bonded) Input.Tick
        | Event.Deadline bonded -> step number node Moment.late (cast.Bonds bonded) Input.Tick
        | Event.Hear word -> step number node Moment.now bonds[number] (received word)
        | Event.HearLate word -> step number node Moment.late bonds[number] (received word)
        | Event.Persisted -> persisted number node
        | Event.Propose command -> propose number node command
        | Event.BondBroke other ->
            step number node Moment.now bonds[number] (Input.PeerDown(cast.Member other))
        | Event.Bonded other ->
            step number node Moment.now bonds[number] (Input.PeerUp(cast.Member other, Cast.Blank))
        | Event.Affiliated(other, lineage) ->
            let input = Input.PeerAffiliated(cast.Member other, cast.LineageOf lineage, false)
            step number node Moment.now bonds[number] input
        | Event.Crash kept -> crash number node kept
        | Event.Silence ->
            // Time passed: it has not heard its leader lately.
            let node = node.With(state' = { node.State with LeaderHeardAt = State.longAgo })
            { Node = encoding.Node(number, node); Released = []; Broken = ValueNone; Seen = [] }

    /// Whom a member is bonded to between actions, as a mask.
    member _.BondedUsually(number: int) =
        if isAsync then everyOther number else 0

    /// What an event makes of a member. The member must be one that `encoding` knows.
    member _.Outcome(number: int, node: Node, event: Event) : Outcome =
        let key = (int64 node.Id <<< 32) ||| numberOfEvent event
        match outcomes.TryGetValue key with
        | true, known -> known
        | false, _ ->
            let outcome = play number node event
            outcomes[key] <- outcome
            outcome
