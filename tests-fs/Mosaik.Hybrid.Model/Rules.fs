namespace Mosaik.Hybrid.Model

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The sentences that a broken state breaks; tests know them by name.
[<RequireQualifiedAccess>]
module Rule =
    let electionSafety = "Election Safety: at most one member leads in a term of a lineage."
    let leaderAppendOnly = "Leader Append-Only: a leader never overwrites or removes entries of its log."
    let logMatching = "Log Matching: logs with the same term at an index are equal up to there (Raft §5.3)."
    let leaderCompleteness =
        "Leader Completeness: what was committed in a term is in the log of every later leader."
    let stateMachineSafety =
        "State Machine Safety: two members never commit different entries at one index."
    let oneVote = "One vote a term: a member's votes that left it in a term are all for one candidate."
    let durableVote = "A vote leaves a member only when it is durable there (rule 2)."
    let durableAcknowledgement = "A member acknowledges only entries that are durable there (rule 3)."
    let durableQuorum =
        "An entry is committed only when a majority of the configuration holds it durably (rule 3)."
    let ownTerm = "A leader commits by counting only entries of its own term (Raft §5.4.2)."
    let monotonic = "Term and commit index never go back, and a vote of the current term is kept."
    let matchKept = "What a leader knows that a member holds never falls in its term."
    let written = "What the core knows of its log, term, vote and lineage is what it asked to be written."
    let watermark =
        "Whatever a crash leaves, the log reaches what the hard state says was acknowledged (rule 16)."
    let lineages =
        "Lineages never mix: what belongs to one changes nothing at a member of another (rule 13)."
    let oneLineage =
        "With a quorum of the known members needed to found, at most one lineage commits anything."
    let dissolution = "A lineage that a member forgot has committed nothing, and never does."
    let coreHalts = "The core never halts."
    let coreBlames = "An honest member is never blamed."
    let coreThrows = "The core never throws."

/// The rules of SAFETY §3 and RELIABILITY §3. Each looks at what the last step changed.
[<Sealed>]
type Rules(bounds: Bounds, cast: Cast, show: Show) =

    let broken rule evidence =
        ValueSome { Rule = rule; Evidence = evidence }

    let firstOf (checks: (unit -> Violation voption) list) =
        let rec find (rest: (unit -> Violation voption) list) =
            match rest with
            | [] -> ValueNone
            | check :: rest ->
                match check () with
                | ValueSome found -> ValueSome found
                | ValueNone -> find rest
        find checks

    let lineageOf (node: Node) = cast.LineageCode node.State.Lineage

    let holds (entries: Entry[]) (index: int) (entry: Entry) =
        entries.Length >= index && entries[index - 1].Identity = entry.Identity

    let isPrefix (shorter: Entry[]) (count: int) (longer: Entry[]) =
        let mutable equal = longer.Length >= count && shorter.Length >= count
        let mutable at = 0
        while equal && at < count do
            equal <- longer[at].Identity = shorter[at].Identity
            at <- at + 1
        equal

    let monotonic number (before: State) (after: State) =
        let voteKept =
            before.CurrentTerm.Value < after.CurrentTerm.Value
            || before.VotedFor.IsNone
            || before.VotedFor = after.VotedFor
        if
            after.CurrentTerm.Value < before.CurrentTerm.Value
            || after.CommitIndex.Value < before.CommitIndex.Value
            || not voteKept
        then
            broken
                Rule.monotonic
                ($"{show.Name number} went from term {before.CurrentTerm}, committed {before.CommitIndex} "
                 + $"to term {after.CurrentTerm}, committed {after.CommitIndex}")
        else
            ValueNone

    /// What a leader knows of a member's log it does not forget (RELIABILITY I10).
    let matchKept number (before: State) (after: State) =
        match before.Role, after.Role with
        | Role.Leader former, Role.Leader leading when before.CurrentTerm = after.CurrentTerm ->
            let hasFallen (id: MemberId) (progress: Progress) =
                match former.Progress.TryFind id with
                | Some known -> progress.MatchIndex.Value < known.MatchIndex.Value
                | None -> false
            if leading.Progress |> Map.exists hasFallen then
                broken Rule.matchKept $"{show.Name number} in term {after.CurrentTerm}"
            else
                ValueNone
        | (Role.Leader _ | Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _), _ ->
            ValueNone

    /// RELIABILITY P9: handlers can't have forgotten to write.
    let written number (node: Node) =
        let state = node.State
        let last =
            node.Pending
            |> List.fold
                (fun hard (write: Written) ->
                    match write.Hard with
                    | ValueSome later -> later
                    | ValueNone -> hard)
                node.Hard
        let lastTerm =
            if node.Log.Length = 0 then
                0
            else
                node.Log[node.Log.Length - 1].Term
        if
            last.Term <> int state.CurrentTerm.Value
            || last.Vote <> cast.NumberOf state.VotedFor
            || last.Lineage <> cast.LineageCode state.Lineage
            || int state.Outline.Last.Index.Value <> node.Log.Length
            || int state.Outline.Last.Term.Value <> lastTerm
        then
            broken
                Rule.written
                $"{show.Name number} is in term {state.CurrentTerm} with last {state.Outline.Last} and wrote {last}, {show.Log node.Log}"
        else
            ValueNone

    let appendOnly number (before: Node) (after: Node) =
        if
            State.isLeader before.State
            && State.isLeader after.State
            && before.State.CurrentTerm = after.State.CurrentTerm
            && not (isPrefix before.Log before.Log.Length after.Log)
        then
            broken
                Rule.leaderAppendOnly
                $"{show.Name number} had {show.Log before.Log}, has {show.Log after.Log}"
        else
            ValueNone

    let matchingPair number (node: Node) other (peer: Node) =
        let mutable at = min node.Log.Length peer.Log.Length
        while at > 0 && node.Log[at - 1].Term <> peer.Log[at - 1].Term do
            at <- at - 1
        if isPrefix node.Log at peer.Log then
            ValueNone
        else
            broken
                Rule.logMatching
                $"{show.Name number} {show.Log node.Log}, {show.Name other} {show.Log peer.Log}"

    let logMatching number (nodes: Node[]) =
        let node = nodes[number]
        let mutable found = ValueNone
        for other in 0 .. nodes.Length - 1 do
            if other <> number && found.IsNone && lineageOf nodes[other] = lineageOf node then
                found <- matchingPair number node other nodes[other]
        found

    /// Against the term of commitment (RELIABILITY F8).
    let complete number (node: Node) (commitment: Commitment) =
        if
            commitment.Lineage = lineageOf node
            && commitment.Term < int node.State.CurrentTerm.Value
            && not (holds node.Log commitment.Index commitment.Entry)
        then
            broken
                Rule.leaderCompleteness
                ($"{show.Name number} leads in term {node.State.CurrentTerm} with {show.Log node.Log}; "
                 + $"in term {commitment.Term} {show.Entry commitment.Entry} was committed")
        else
            ValueNone

    let firstIncomplete number (node: Node) (commitments: Commitment list) =
        firstOf (commitments |> List.map (fun commitment () -> complete number node commitment))

    let elected number (node: Node) (ghost: Ghost) : struct (Ghost * Violation voption) =
        let term = int node.State.CurrentTerm.Value
        let lineage = lineageOf node
        let rival =
            ghost.Reigns
            |> List.tryFind (fun reign ->
                reign.Lineage = lineage && reign.Term = term && reign.Leader <> number)
        match rival with
        | Some rival ->
            struct (ghost,
                    broken
                        Rule.electionSafety
                        $"{show.Name number} and {show.Name rival.Leader} in term {term}")
        | None ->
            let reign: Reign = { Lineage = lineage; Term = term; Leader = number }
            let ghost = Ghost(reign :: ghost.Reigns, ghost.Commitments, ghost.Dissolved)
            struct (ghost, firstIncomplete number node ghost.Commitments)

    /// A leader changes the configuration when it has counted: by the one that was in force before.
    let durableQuorum (nodes: Node[]) number (before: State) (commitment: Commitment) =
        let inForce =
            match State.configuration before with
            | ValueSome configuration -> ValueSome configuration
            | ValueNone -> State.configuration nodes[number].State
        match inForce with
        | ValueNone -> broken Rule.durableQuorum "There is no configuration."
        | ValueSome configuration ->
            let count (ids: MemberId list) =
                ids
                |> List.filter (fun id ->
                    let node = nodes[cast.NumberOf id]
                    lineageOf node = commitment.Lineage
                    && holds node.Durable commitment.Index commitment.Entry)
                |> List.length
            let isMajority (ids: MemberId list) =
                ids.IsEmpty || 2 * count ids > ids.Length
            if isMajority configuration.Voters && isMajority configuration.Outgoing then
                ValueNone
            else
                broken
                    Rule.durableQuorum
                    ($"{show.Name number} committed {show.Entry commitment.Entry}, "
                     + $"durable at {count configuration.Voters} of {configuration.Voters.Length}")

    let leadersComplete (nodes: Node[]) (commitment: Commitment) =
        let mutable found = ValueNone
        for number in 0 .. nodes.Length - 1 do
            if found.IsNone && State.isLeader nodes[number].State then
                found <- complete number nodes[number] commitment
        found

    let lineagesOf (commitments: Commitment list) =
        commitments |> List.map (fun commitment -> commitment.Lineage) |> List.distinct

    let oneLineage (ghost: Ghost) =
        let committed = lineagesOf ghost.Commitments
        if committed.Length > 1 && 2 * bounds.FoundingMembers > bounds.Members then
            let names = committed |> List.map show.Lineage |> String.concat " and "
            broken Rule.oneLineage $"{names} have"
        else
            match committed |> List.tryFind (fun code -> List.contains code ghost.Dissolved) with
            | Some code -> broken Rule.dissolution $"{show.Lineage code} was forgotten and has commitments"
            | None -> ValueNone

    /// An entry that is committed for the first time.
    let firstCommitted (nodes: Node[]) number (before: State) (commitment: Commitment) (ghost: Ghost) =
        let ghost = Ghost(ghost.Reigns, commitment :: ghost.Commitments, ghost.Dissolved)
        let found =
            firstOf
                [ (fun () -> durableQuorum nodes number before commitment)
                  (fun () -> leadersComplete nodes commitment)
                  (fun () -> oneLineage ghost) ]
        struct (ghost, found)

    let committedAt
        (nodes: Node[])
        number
        (before: State)
        (ghost: Ghost)
        (index: int)
        : struct (Ghost * Violation voption) =
        let node = nodes[number]
        let lineage = lineageOf node
        if index > node.Log.Length then
            struct (ghost, broken Rule.written $"{show.Name number} committed {index} of {show.Log node.Log}")
        else
            let entry = node.Log[index - 1]
            let known =
                ghost.Commitments
                |> List.tryFind (fun commitment -> commitment.Lineage = lineage && commitment.Index = index)
            match known with
            | Some known when known.Entry.Identity = entry.Identity -> struct (ghost, ValueNone)
            | Some known ->
                struct (ghost,
                        broken
                            Rule.stateMachineSafety
                            $"{show.Name number} commits {show.Entry entry}, before it was {show.Entry known.Entry}")
            | None ->
                let term = int node.State.CurrentTerm.Value
                firstCommitted
                    nodes
                    number
                    before
                    { Lineage = lineage; Index = index; Entry = entry; Term = term }
                    ghost

    let committed (nodes: Node[]) number (before: State) (ghost: Ghost) : struct (Ghost * Violation voption) =
        let after = nodes[number].State
        let mutable ghost = ghost
        let mutable found = ValueNone
        for index in int before.CommitIndex.Value + 1 .. int after.CommitIndex.Value do
            if found.IsNone then
                let struct (later, broke) = committedAt nodes number before ghost index
                ghost <- later
                found <- broke
        if
            found.IsNone
            && State.isLeader after
            && after.CommitIndex > before.CommitIndex
            && LogOutline.termAt after.CommitIndex after.Outline <> ValueSome after.CurrentTerm
        then
            found <- broken Rule.ownTerm $"{show.Name number} committed {after.CommitIndex}"
        struct (ghost, found)

    /// What a step of a member may break whatever the others are.
    member _.Alone(number: int, before: Node, after: Node) : Violation voption =
        firstOf
            [ (fun () -> monotonic number before.State after.State)
              (fun () -> matchKept number before.State after.State)
              (fun () -> written number after)
              (fun () -> appendOnly number before after) ]

    /// What a step of a member may break with the others; `nodes` has the member as it is after the step.
    member _.Among
        (nodes: Node[], number: int, before: Node, ghost: Ghost)
        : struct (Ghost * Violation voption) =
        let after = nodes[number]
        let found =
            if obj.ReferenceEquals(before.Log, after.Log) then
                ValueNone
            else
                logMatching number nodes
        let struct (ghost, found) =
            if
                found.IsNone
                && State.isLeader after.State
                && not (
                    State.isLeader before.State
                    && before.State.CurrentTerm = after.State.CurrentTerm
                )
            then
                elected number after ghost
            else
                struct (ghost, found)
        if found.IsNone && after.State.CommitIndex > before.State.CommitIndex then
            committed nodes number before.State ghost
        else
            struct (ghost, found)

    /// A write as it is handed out: what it leaves must reach the watermark in it.
    member _.Write(number: int, write: Write, log: Entry[]) : Violation voption =
        match write.HardState with
        | null when write.TruncateFrom <> LogIndex.Zero ->
            broken Rule.watermark $"{show.Name number} truncates from {write.TruncateFrom} and keeps it"
        | null -> ValueNone
        | hard ->
            let index = int hard.Acknowledged.Index.Value
            let term = int hard.Acknowledged.Term.Value
            if index = 0 || (index <= log.Length && log[index - 1].Term = term) then
                ValueNone
            else
                broken
                    Rule.watermark
                    $"{show.Name number} writes {hard.Acknowledged} as acknowledged, and {show.Log log}"

    /// An answer as it is said: what it acknowledges is durable, and as the leader sent it.
    member _.Acknowledged(number: int, node: Node, upTo: LogIndex) : Violation voption =
        let count = int upTo.Value
        if isPrefix node.Durable count node.Log then
            ValueNone
        else
            broken
                Rule.durableAcknowledgement
                $"{show.Name number} acknowledges {upTo}; durable is {show.Log node.Durable}"

    /// A vote, or the request of a candidate that has its own, as it leaves.
    member _.Voted(number: int, node: Node, term: int, candidate: int) : Violation voption =
        let struct (lastTerm, lastCandidate) = node.Vote
        if node.Hard.Term <> term || node.Hard.Vote <> candidate then
            broken
                Rule.durableVote
                $"{show.Name number} votes for {show.Name candidate} in term {term}; on its disk is term {node.Hard.Term}, {show.Name node.Hard.Vote}"
        elif lastTerm > term || (lastTerm = term && lastCandidate <> candidate) then
            broken
                Rule.oneVote
                $"{show.Name number} voted for {show.Name lastCandidate} in term {lastTerm}, now for {show.Name candidate} in term {term}"
        else
            ValueNone

    /// A message of one lineage came to a member of another.
    member _.Foreign(number: int, before: Node, after: Node) : Violation voption =
        if
            before.Log.Length = after.Log.Length
            && isPrefix before.Log before.Log.Length after.Log
            && before.State.CurrentTerm = after.State.CurrentTerm
            && before.State.VotedFor = after.State.VotedFor
            && before.State.CommitIndex = after.State.CommitIndex
            && before.State.Lineage = after.State.Lineage
        then
            ValueNone
        else
            broken Rule.lineages $"{show.Name number} took a message of another lineage"

    /// A member begins anew, since its lineage can't have committed anything.
    member _.Dissolved(node: Node, ghost: Ghost) : struct (Ghost * Violation voption) =
        let lineage = lineageOf node
        let dissolved = lineage :: ghost.Dissolved |> List.distinct |> List.sort
        let ghost = Ghost(ghost.Reigns, ghost.Commitments, dissolved)
        struct (ghost, oneLineage ghost)
