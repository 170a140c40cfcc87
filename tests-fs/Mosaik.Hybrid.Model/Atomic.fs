namespace Mosaik.Hybrid.Model

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The actions of the atomic tiers. A request and its answer are one action, and an election with the answers of any
/// members in any order is one. Within it a message may be lost on either way; what is said and not heard by the
/// end of the action never is. With split writes the writes of an action may still be on their way at its end, and
/// come to rest later, one by one, or go down in a crash; what a correct core says at that time to others is lost.
[<Sealed>]
type Atomic(bounds: Bounds, play: Play, emit: unit -> unit) =

    let cast = play.Cast
    let name = play.Show.Name

    let others (number: int) =
        [ for other in 0 .. cast.Size - 1 do
              if other <> number then
                  other ]

    let finish (number: int) =
        if bounds.WritesInFlight = 0 then
            play.SyncAll number

    let from (number: int) (words: Word list) =
        words |> List.filter (fun word -> word.Recipient = number)

    /// What a voter may make of a request: the voter afterwards, and its answers.
    let answersOf (request: Word) (isLate: bool) : struct (Node list * struct (Node * Word list) list) =
        let standing = play.Save()
        let voter = request.Recipient
        play.Take() |> ignore
        play.Deliver(request, isLate)
        let early = play.Take()
        let hurried = play.Nodes[voter]
        let isUnsettled = bounds.WritesInFlight > 0 && not hurried.Pending.IsEmpty
        play.SyncAll voter
        let answers = early @ play.Take()
        let rested = play.Nodes[voter]
        // A voter that still leads commits when its write comes to rest. Then let it do so in an action of its own,
        // before this one: here it is put into other states than the one in which that was judged.
        let mayRest = obj.ReferenceEquals(play.Save().Ghost, standing.Ghost)
        let broken = play.Broken
        if broken.IsSome then
            emit ()
        play.Restore standing
        let silent =
            [ if mayRest && not (obj.ReferenceEquals(rested, standing.Nodes[voter])) then
                  rested
              if isUnsettled then
                  hurried ]
        let answering =
            [ if mayRest && not answers.IsEmpty then
                  struct (rested, answers)
              // A correct core says nothing before the write has come to rest.
              if isUnsettled && not early.IsEmpty then
                  struct (hurried, early) ]
        struct ((if broken.IsSome then [] else silent), (if broken.IsSome then [] else answering))

    /// The answer of a voter as the candidate hears it.
    let forged (request: Word) (answer: Word) : Word =
        let asked = Message.termOf request.Message
        match bounds.Sabotage, answer.Message with
        | Sabotage.ForgeVotes, Message.RequestVoteReply reply when reply.PreVote || reply.Term = asked ->
            let granted = Message.RequestVoteReply { reply with Vote = Vote.Granted; Term = asked }
            play.Forge(Word(answer.Sender, answer.Recipient, granted, [||]))
        | _, _ -> answer

    /// Every choice for the voters that the candidate does not hear: not reached, or reached and not heard.
    let rec silence (choices: struct (int * Node list) list) =
        match choices with
        | [] -> emit ()
        | struct (voter, nodes) :: rest ->
            let standing = play.Save()
            silence rest
            for node in nodes do
                play.Restore standing
                play.Place(voter, node)
                play.Tell(fun () -> $"{name voter} heard the request; its answer is lost")
                silence rest
            play.Restore standing

    /// Every order in which any of the voters may be heard.
    let rec hear
        (candidate: int)
        (isLate: bool)
        (open': struct (Word * Node list * struct (Node * Word list) list) list)
        =
        silence (
            open'
            |> List.map (fun struct (request, nodes, _) -> struct (request.Recipient, nodes))
        )
        let standing = play.Save()
        for choice in open' do
            let struct (request, _, answering) = choice
            for struct (node, answers) in answering do
                play.Restore standing
                play.Place(request.Recipient, node)
                for answer in from candidate answers do
                    play.Deliver(forged request answer, isLate)
                finish candidate
                let rest =
                    open'
                    |> List.filter (fun struct (other, _, _) -> other.Recipient <> request.Recipient)
                if play.Broken.IsSome then
                    emit ()
                else
                    hear candidate isLate rest
        play.Restore standing

    /// The candidate's requests are out.
    let ballot (candidate: int) (isLate: bool) (requests: Word list) =
        let choices =
            requests
            |> List.map (fun request ->
                let struct (silent, answering) = answersOf request isLate
                struct (request, silent, answering))
        hear candidate isLate choices

    /// Requests that wait for the write of term and vote, and, of a core that is in too much of a hurry, such as don't.
    let campaign (candidate: int) (isLate: bool) =
        let early = play.Take()
        if bounds.WritesInFlight > 0 && not play.Nodes[candidate].Pending.IsEmpty then
            if early.IsEmpty then
                emit ()
            else
                let standing = play.Save()
                ballot candidate isLate early
                play.Restore standing
        play.SyncAll candidate
        let requests = early @ play.Take()
        if play.Broken.IsSome then
            emit ()
        else
            ballot candidate isLate requests

    let isCandidate (number: int) =
        match play.Nodes[number].State.Role with
        | Role.Candidate _ -> true
        | Role.Leader _
        | Role.Follower
        | Role.PreCandidate _
        | Role.Founder _ -> false

    let mutable campaigns: Node[] list = []

    /// Whoever gave the pre-votes, the candidate and the voters are mostly left the same: one campaign will do.
    let isFirst () =
        let nodes = play.Save().Nodes
        let isSame (former: Node[]) =
            Array.forall2 (fun (left: Node) (right: Node) -> left.Id = right.Id) former nodes
        if List.exists isSame campaigns then
            false
        else
            campaigns <- nodes :: campaigns
            true

    /// Pre-votes come in from any members in any order, until there are enough.
    let rec preVotes (candidate: int) (open': Word list) =
        let standing = play.Save()
        for request in open' do
            play.Restore standing
            play.Deliver(request, false)
            play.SyncAll request.Recipient
            for answer in from candidate (play.Take()) do
                play.Deliver(forged request answer, false)
            if play.Broken.IsSome then
                emit ()
            elif isCandidate candidate then
                if play.IsWithinTerms && isFirst () then
                    campaign candidate false
            else
                finish candidate
                emit ()
                preVotes candidate (open' |> List.filter (fun other -> other.Recipient <> request.Recipient))
        play.Restore standing

    /// The election deadline passes. A learner only forgets its leader; a voter that is a quorum by itself leads.
    let elect (world: World) (number: int) =
        play.Load world
        play.Tell(fun () -> $"{name number}'s election deadline passes")
        play.Deadline number
        let requests = play.Take()
        if requests.IsEmpty then
            finish number
            emit ()
        else
            // Without any pre-vote.
            emit ()
            campaigns <- []
            preVotes number requests

    /// A member without a lineage proposes one, bonded to any of the others.
    let found (world: World) (number: int) =
        let possible = cast.Everybody ^^^ (1 <<< number)
        for mask in 0 .. cast.Everybody do
            if mask &&& possible = mask then
                play.Load world
                play.Tell(fun () -> $"{name number}'s founding deadline passes, with {mask} bonded")
                play.Deadline(number, mask)
                if not play.Nodes[number].State.Role.IsFollower && play.IsWithinTerms then
                    campaign number true

    /// A follower's answer as the leader hears it.
    let inflated (leader: int) (answer: Word) : Word =
        match bounds.Sabotage, answer.Message with
        | Sabotage.ForgeAcknowledgements, Message.AppendEntriesReply reply ->
            let outcome = AppendOutcome.Accepted play.Nodes[leader].State.Outline.Last.Index
            play.Forge(
                Word(answer.Sender, leader, Message.AppendEntriesReply { reply with Outcome = outcome }, [||])
            )
        | _, _ -> answer

    let hearAnswers (leader: int) (answers: Word list) =
        for answer in from leader answers do
            play.Deliver(inflated leader answer, false)
        finish leader
        emit ()

    /// A leader's heartbeat to one member, with whatever that one lacks.
    let replicate (world: World) (leader: int) (follower: int) =
        play.Load world
        play.Heartbeat(leader, 1 <<< follower)
        finish leader
        let requests = from follower (play.Take())
        // The leader may take as sent what is lost.
        if bounds.LostRequests then
            emit ()
        for request in requests do
            play.Deliver(request, false)
        let early = play.Take()
        if bounds.WritesInFlight > 0 && not play.Nodes[follower].Pending.IsEmpty then
            let standing = play.Save()
            if early.IsEmpty then emit () else hearAnswers leader early
            play.Restore standing
        play.SyncAll follower
        let answers = early @ play.Take()
        play.Tell(fun () -> $"the answer of {name follower} is lost")
        emit ()
        hearAnswers leader answers

    let crash (world: World) (number: int) =
        for kept in 0 .. world.Nodes[number].Pending.Length do
            play.Load world
            play.Crash(number, kept)
            emit ()

    let lead (world: World) (number: int) =
        for follower in others number do
            if not world.Nodes[follower].HasLeft then
                replicate world number follower
        play.Load world
        play.Tell(fun () -> $"{name number} has heard no quorum for long")
        play.Deadline number
        emit ()
        if world.Proposals < bounds.Proposals then
            play.Load world
            play.Propose number
            finish number
            emit ()

    /// A member learns, by bond or by hearsay, of the lineage that is on another's disk.
    let affiliate (world: World) (number: int) =
        for other in others number do
            let lineage = world.Nodes[other].Hard.Lineage
            if lineage <> 0 && not world.Nodes[other].HasLeft then
                play.Load world
                play.Learn(number, other, lineage)
                emit ()

    let actOf (world: World) (number: int) =
        let node = world.Nodes[number]
        let isBelowLastTerm = int node.State.CurrentTerm.Value < play.LastTerm
        if State.isLeader node.State then
            lead world number
        elif isBelowLastTerm then
            if State.isUnaffiliated node.State then
                found world number
            else
                elect world number
        if not node.Pending.IsEmpty then
            play.Load world
            play.Sync number
            emit ()
        if world.Crashes < bounds.Crashes then
            crash world number
        if bounds.Sticky && Normal.heard node.State then
            play.Load world
            play.Silence number
            emit ()
        match bounds.Tier with
        | Tier.Founding -> affiliate world number
        | Tier.Atomic
        | Tier.Async
        | Tier.Configuration -> ()

    /// Calls `emit` in each state that an action leads to, always in the same order.
    member _.Explore(world: World) =
        for number in 0 .. world.Nodes.Length - 1 do
            if not world.Nodes[number].HasLeft then
                actOf world number
