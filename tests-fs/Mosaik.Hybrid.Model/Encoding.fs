namespace Mosaik.Hybrid.Model

open System
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The canonical bytes of a state, once for each permutation of the members. The digest of a state is the sum of
/// those of its parts, so that a step costs the encoding of what it changed; members stand in their own part by
/// their place, messages are a set, and so the order of the parts says nothing.
///
/// Left out is what follows from the rest: the log as the member sees it (what is durable, and the writes on their
/// way), its outline and its configurations, and all that Normal.ofState makes equal.
///
/// Members, words and ghosts that have the same digest are one object: what a step makes of a member is looked up.
[<Sealed>]
type Encoding(bounds: Bounds, cast: Cast) =

    let encoder = Encoder()

    let noSnapshots = "Nobody takes snapshots in the model."

    /// Sessions only name attempts. Those of an election are numbered by member id, so here all are the first;
    /// those of new bonds follow in the order in which they were made.
    let session (session: uint64) =
        let first = uint64 (cast.Size - 1)
        match bounds.Tier with
        | Tier.Async when session > first -> int (session - first) + 1
        | Tier.Async
        | Tier.Atomic
        | Tier.Founding
        | Tier.Configuration -> int (min session 1UL)

    let flag (value: bool) = encoder.Byte(if value then 1 else 0)
    let index (index: LogIndex) = encoder.Byte(int index.Value)
    let term (term: Term) = encoder.Byte(int term.Value)

    let position (position: LogPosition) =
        term position.Term
        index position.Index

    let entries (permutation: int) (entries: Entry[]) =
        encoder.Byte entries.Length
        for entry in entries do
            encoder.Word entry.Codes[permutation]

    let mask (permutation: int) (ids: MemberId seq) =
        encoder.Byte(cast.Mask(permutation, cast.MaskOf ids))

    let ballot (permutation: int) (ballot: BallotState) =
        mask permutation ballot.Granted
        mask permutation ballot.Denied

    let lineage (permutation: int) (lineage: int) =
        encoder.Byte(cast.PermuteLineage(permutation, lineage))

    let progress (permutation: int) (id: MemberId) (progress: Progress) : Digest =
        // Added up, not written one after the other: the map's order is that of the ids.
        encoder.Clear()
        encoder.Byte(cast.Place(permutation, cast.NumberOf id))
        index progress.MatchIndex
        index progress.NextIndex
        match progress.Mode with
        | ReplicationMode.Probe isWaiting ->
            encoder.Byte 1
            flag isWaiting
        | ReplicationMode.Replicate -> encoder.Byte 2
        | ReplicationMode.Snapshot _
        | ReplicationMode.CatchUp _ -> invalidOp noSnapshots
        encoder.Byte(session progress.Session)
        index progress.CommitSent
        flag progress.HeartbeatDue
        encoder.Finish()

    let progressSum (permutation: int) (role: Role) : Digest =
        let none: Digest = { High = 0UL; Low = 0UL }
        match role with
        | Role.Leader leading ->
            leading.Progress
            |> Map.fold (fun sum id state -> sum + progress permutation id state) none
        | Role.Follower
        | Role.PreCandidate _
        | Role.Candidate _
        | Role.Founder _ -> none

    let role (permutation: int) (role: Role) =
        match role with
        | Role.Follower -> encoder.Byte 1
        | Role.PreCandidate state ->
            encoder.Byte 2
            ballot permutation state
        | Role.Candidate state ->
            encoder.Byte 3
            ballot permutation state
        | Role.Founder(proposal, founded, state) ->
            encoder.Byte 4
            mask permutation proposal.Voters
            lineage permutation (cast.LineageCode founded)
            ballot permutation state
        | Role.Leader leading ->
            encoder.Byte 5
            index leading.TermStart
            match bounds.Tier with
            | Tier.Async -> encoder.Byte(int leading.NextSession)
            | Tier.Atomic
            | Tier.Founding
            | Tier.Configuration -> ()

    let outcome (outcome: AppendOutcome) =
        match outcome with
        | AppendOutcome.Accepted upTo ->
            encoder.Byte 1
            index upTo
        | AppendOutcome.Rejected(previous, hint) ->
            encoder.Byte 2
            index previous
            position hint
        | AppendOutcome.Receiving _ -> invalidOp noSnapshots

    let follow (follow: FollowState) =
        encoder.Byte(session follow.Session)
        index follow.Verified
        index follow.Acknowledged
        flag follow.AnswerDue
        match follow.Refusal with
        | ValueSome refusal -> outcome refusal
        | ValueNone -> encoder.Byte 0

    let state (permutation: int) (state: State) =
        let place (id: MemberId voption) =
            encoder.Byte(cast.Place(permutation, cast.NumberOf id))
        term state.CurrentTerm
        place state.VotedFor
        lineage permutation (cast.LineageCode state.Lineage)
        place state.Leader
        flag (Normal.heard state)
        index state.CommitIndex
        index state.DurableIndex
        encoder.Byte(int state.HardStateSequence)
        encoder.Byte state.Unsynced.Length
        for write in state.Unsynced do
            encoder.Byte(int write.Sequence)
            index write.Reached
        if state.Foreign.IsEmpty then
            encoder.Byte 0
        else
            mask permutation state.Foreign.Keys
        role permutation state.Role
        follow state.Follow

    let hard (permutation: int) (hard: Hard) =
        encoder.Byte hard.Term
        encoder.Byte(cast.Place(permutation, hard.Vote))
        lineage permutation hard.Lineage

    let written (permutation: int) (written: Written) =
        match written.Hard with
        | ValueSome state ->
            encoder.Byte 1
            hard permutation state
        | ValueNone -> encoder.Byte 0
        encoder.Byte written.TruncateFrom
        entries permutation written.Entries

    let message (permutation: int) (message: Message) (carried: Entry[]) =
        let lineageOf (id: Lineage) =
            lineage permutation (cast.LineageCode id)
        match message with
        | Message.RequestVote request ->
            encoder.Byte 1
            lineageOf request.Lineage
            term request.Term
            position request.Last
            match request.Ballot with
            | Ballot.PreVote -> encoder.Byte 1
            | Ballot.Vote -> encoder.Byte 2
            | Ballot.Transfer -> encoder.Byte 4
            | Ballot.Founding proposal ->
                encoder.Byte 3
                mask permutation proposal.Voters
        | Message.RequestVoteReply reply ->
            encoder.Byte 2
            lineageOf reply.Lineage
            term reply.Term
            flag (reply.Vote = Vote.Granted)
            flag reply.PreVote
        | Message.AppendEntries(header, _) ->
            encoder.Byte 3
            lineageOf header.Lineage
            term header.Term
            encoder.Byte(session header.Session)
            position header.Previous
            index header.Commit
            entries permutation carried
        | Message.AppendEntriesReply reply ->
            encoder.Byte 4
            lineageOf reply.Lineage
            term reply.Term
            encoder.Byte(session reply.Session)
            outcome reply.Outcome
        | Message.InstallSnapshot _ -> invalidOp noSnapshots
        | Message.ReadIndex _
        | Message.ReadIndexReply _
        | Message.Forward _
        | Message.ForwardReply _ -> invalidOp "Nobody reads or forwards in the model."
        | Message.TimeoutNow _
        | Message.HandOver _
        | Message.Depart _
        | Message.Departed _
        | Message.Survey _
        | Message.SurveyReply _
        | Message.CatchUp _
        | Message.FetchEntries _
        | Message.FetchedEntries _ -> invalidOp "Nobody hands over, leaves or reads from others in the model."

    let wordUnder (permutation: int) (word: Word) : Digest =
        encoder.Clear()
        encoder.Byte 201
        encoder.Byte(cast.Place(permutation, word.Sender))
        encoder.Byte(cast.Place(permutation, word.Recipient))
        message permutation word.Message word.Entries
        encoder.Finish()

    let words = Dictionary<Digest, Word>()
    let nodes = Dictionary<Digest, Node>()
    let ghosts = Dictionary<Digest, Ghost>()

    let underAll (first: Digest) (under: int -> Digest) =
        Array.init cast.Permutations (fun permutation -> if permutation = 0 then first else under permutation)

    let nodeUnder (permutation: int) (number: int) (node: Node) : Digest =
        let progress = progressSum permutation node.State.Role
        encoder.Clear()
        encoder.Byte 202
        encoder.Byte(cast.Place(permutation, number))
        flag node.HasLeft
        state permutation node.State
        encoder.Digest progress
        hard permutation node.Hard
        entries permutation node.Durable
        encoder.Byte node.Pending.Length
        for write in node.Pending do
            written permutation write
        for held in node.Held do
            encoder.Byte held.After
            encoder.Digest held.Word.Digests[permutation]
        let struct (voteTerm, candidate) = node.Vote
        encoder.Byte voteTerm
        encoder.Byte(cast.Place(permutation, candidate))
        encoder.Finish()

    let ghostUnder (permutation: int) (ghost: Ghost) : Digest =
        let mutable sum: Digest = { High = 0UL; Low = 0UL }
        for reign in ghost.Reigns do
            encoder.Clear()
            encoder.Byte 203
            lineage permutation reign.Lineage
            encoder.Byte reign.Term
            encoder.Byte(cast.Place(permutation, reign.Leader))
            sum <- sum + encoder.Finish()
        for commitment in ghost.Commitments do
            encoder.Clear()
            encoder.Byte 204
            lineage permutation commitment.Lineage
            encoder.Byte commitment.Index
            encoder.Word commitment.Entry.Codes[permutation]
            encoder.Byte commitment.Term
            sum <- sum + encoder.Finish()
        for dissolved in ghost.Dissolved do
            encoder.Clear()
            encoder.Byte 205
            lineage permutation dissolved
            sum <- sum + encoder.Finish()
        sum

    let budget (crashes: int) (proposals: int) (duplicates: int) : Digest =
        encoder.Clear()
        encoder.Byte 206
        encoder.Byte crashes
        encoder.Byte proposals
        encoder.Byte duplicates
        encoder.Finish()

    /// The one object for this word.
    member _.Word(subject: Word) : Word =
        let digest = wordUnder 0 subject
        match words.TryGetValue digest with
        | true, known -> known
        | false, _ ->
            subject.Digests <- underAll digest (fun permutation -> wordUnder permutation subject)
            subject.Id <- words.Count
            words[digest] <- subject
            subject

    /// The one object for this member as it is.
    member _.Node(number: int, subject: Node) : Node =
        let digest = nodeUnder 0 number subject
        match nodes.TryGetValue digest with
        | true, known -> known
        | false, _ ->
            subject.Digests <- underAll digest (fun permutation -> nodeUnder permutation number subject)
            subject.Id <- nodes.Count
            nodes[digest] <- subject
            subject

    /// The one object for what the model knows.
    member _.Ghost(subject: Ghost) : Ghost =
        let digest = ghostUnder 0 subject
        match ghosts.TryGetValue digest with
        | true, known -> known
        | false, _ ->
            subject.Digests <- underAll digest (fun permutation -> ghostUnder permutation subject)
            ghosts[digest] <- subject
            subject

    /// How many different states members were in: few, compared with the states of the whole.
    member _.NodesKnown = nodes.Count

    /// A state with its digests.
    member _.World
        (nodes: Node[], network: Word list, ghost: Ghost, crashes: int, proposals: int, duplicates: int)
        : World =
        let used = budget crashes proposals duplicates
        let under (permutation: int) =
            let mutable sum = used + ghost.Digests[permutation]
            for subject in nodes do
                sum <- sum + subject.Digests[permutation]
            for subject in network do
                sum <- sum + subject.Digests[permutation]
            sum
        let own = under 0
        let mutable least = own
        for permutation in 1 .. cast.Permutations - 1 do
            let permuted = under permutation
            if permuted.IsBelow least then
                least <- permuted
        World(nodes, network, ghost, crashes, proposals, duplicates, own, least)
