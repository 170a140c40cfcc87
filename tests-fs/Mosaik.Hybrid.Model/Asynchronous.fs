namespace Mosaik.Hybrid.Model

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// The actions of the asynchronous tier: one step of one member each. A message may be lost when it is said (which
/// is no different from later), arrive in any order, at any time, and, as long as the bounds allow, again. Bonds
/// would keep more order than that.
[<Sealed>]
type Asynchronous(bounds: Bounds, play: Play, emit: unit -> unit) =

    let cast = play.Cast
    let name = play.Show.Name

    /// Sessions are numbers that only grow: without a limit no two refusals would lead to the same state.
    let isWithinSessions () =
        play.Nodes
        |> Array.forall (fun node ->
            match node.State.Role with
            | Role.Leader leading -> leading.NextSession <= uint64 (cast.Size + bounds.Sessions)
            | Role.Follower
            | Role.PreCandidate _
            | Role.Candidate _
            | Role.Founder _ -> true)

    let emit () =
        if play.Broken.IsSome || isWithinSessions () then
            emit ()

    /// Every choice of words that get lost, as long as the others find room in the network.
    let rec spread (words: Word list) =
        match words with
        | [] -> emit ()
        | word :: rest ->
            let network = play.Network
            if network |> List.exists (fun other -> obj.ReferenceEquals(other, word)) then
                spread rest
            else
                if List.length network < bounds.Messages then
                    play.Network <- word :: network
                    spread rest
                    play.Network <- network
                let standing = play.Save()
                play.Tell(fun () -> $"lost: {name word.Sender} to {name word.Recipient}")
                spread rest
                play.Restore standing

    let settle (number: int) =
        if bounds.WritesInFlight = 0 then
            play.SyncAll number
        if play.Broken.IsSome then emit () else spread (play.Take())

    /// The core lets the lower of two pre-candidates go on (D22), so permuted states need not behave alike there.
    /// Whoever grants a pre-vote as a pre-candidate is therefore taken to do both: withdraw, and go on.
    let eitherWay (before: Node) (number: int) =
        let after = play.Nodes[number]
        let granted =
            play.Take()
            |> List.map (fun word ->
                match word.Message with
                | Message.RequestVoteReply { PreVote = true; Vote = Vote.Granted } -> struct (word, true)
                | _ -> struct (word, false))
        let words = granted |> List.map (fun struct (word, _) -> word)
        let isGranted = granted |> List.exists (fun struct (_, isGranted) -> isGranted)
        let spreadOrBreak () =
            if play.Broken.IsSome then emit () else spread words
        spreadOrBreak ()
        match before.State.Role, after.State.Role with
        | Role.PreCandidate _, (Role.PreCandidate _ | Role.Follower) when isGranted ->
            let role =
                match after.State.Role with
                | Role.PreCandidate _ -> Role.Follower
                | Role.Follower
                | Role.Candidate _
                | Role.Founder _
                | Role.Leader _ -> before.State.Role
            play.Make(number, after.With(state' = { after.State with Role = role }))
            play.Tell(fun () -> $"{name number} decides the other way (D22)")
            spreadOrBreak ()
        | _, _ -> ()

    let receive (world: World) (word: Word) (isAgain: bool) =
        play.Load world
        if isAgain then
            play.Duplicate()
        else
            play.Network <-
                play.Network
                |> List.filter (fun other -> not (obj.ReferenceEquals(other, word)))
        let before = world.Nodes[word.Recipient]
        play.Deliver(word, false)
        if bounds.WritesInFlight = 0 then
            play.SyncAll word.Recipient
        if play.Broken.IsSome then
            emit ()
        else
            eitherWay before word.Recipient

    /// The others lose their bond to a member that crashed, and get a new one. What was on its way may still arrive,
    /// which no bond would allow.
    let crash (world: World) (number: int) =
        for kept in 0 .. world.Nodes[number].Pending.Length do
            play.Load world
            play.Crash(number, kept)
            for other in 0 .. cast.Size - 1 do
                if other <> number then
                    play.BondAnew(other, number)
                    if bounds.WritesInFlight = 0 then
                        play.SyncAll other
            settle number

    let everyOther (number: int) = cast.Everybody ^^^ (1 <<< number)

    let heartbeat (world: World) (number: int) (why: string) =
        play.Load world
        play.Tell(fun () -> $"{name number}: {why}")
        play.Heartbeat(number, everyOther number)
        settle number

    let deadline (world: World) (number: int) (why: string) =
        play.Load world
        play.Tell(fun () -> $"{name number}: {why}")
        play.Deadline number
        settle number

    let lead (world: World) (number: int) =
        heartbeat world number "heartbeats are due"
        deadline world number "no quorum was heard for long"
        if world.Proposals < bounds.Proposals then
            play.Load world
            play.Propose number
            settle number

    let actOf (world: World) (number: int) =
        let node = world.Nodes[number]
        if State.isLeader node.State then
            lead world number
        elif int node.State.CurrentTerm.Value < play.LastTerm then
            deadline world number "the election deadline passes"
        if node.State.Follow.AnswerDue && not node.Pending.IsEmpty then
            heartbeat world number "the leader has waited long for an answer"
        if not node.Pending.IsEmpty then
            play.Load world
            play.Sync number
            settle number
        if world.Crashes < bounds.Crashes then
            crash world number
        if bounds.Sticky && Normal.heard node.State then
            play.Load world
            play.Silence number
            emit ()

    /// Calls `emit` in each state that an action leads to, always in the same order.
    member _.Explore(world: World) =
        for number in 0 .. world.Nodes.Length - 1 do
            actOf world number
        for word in world.Network do
            receive world word false
            if world.Duplicates < bounds.Duplicates then
                receive world word true
