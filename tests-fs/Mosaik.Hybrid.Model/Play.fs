namespace Mosaik.Hybrid.Model

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Where a play stood: to go on from there once more.
[<NoEquality; NoComparison>]
type Standing =
    { Nodes: Node[]
      Network: Word list
      Ghost: Ghost
      Released: Word list
      Broken: Violation voption
      Used: struct (int * int * int)
      Lines: int }

/// One action as it is played: a working copy of a state, and the things that can happen to it. Whatever happens is
/// judged at once; nothing happens any more after a rule is broken.
[<Sealed>]
type Play(bounds: Bounds, cast: Cast) =

    let show = Show cast
    let rules = Rules(bounds, cast, show)
    let encoding = Encoding(bounds, cast)
    let steps = Steps(bounds, cast, show, rules, encoding)
    let coverage = Coverage()
    let withoutCandidacy = Dictionary<int, Node>()

    let mutable nodes: Node[] = [||]
    let mutable network: Word list = []
    let mutable ghost = Ghost([], [], [])
    let mutable released: Word list = []
    let mutable broken: Violation voption = ValueNone
    let mutable crashes = 0
    let mutable proposals = 0
    let mutable duplicates = 0
    let mutable story: List<string> | null = null

    // Some nodes at most: a loop is faster than what copies arrays of any length.
    let copyOf (original: Node[]) : Node[] =
        let copy = Array.zeroCreate original.Length
        for number in 0 .. original.Length - 1 do
            copy[number] <- original[number]
        copy

    let tell (line: unit -> string) =
        match story with
        | null -> ()
        | lines -> lines.Add(line ())

    let lines () =
        match story with
        | null -> 0
        | lines -> lines.Count

    let breaks (found: Violation voption) =
        if broken.IsNone then
            broken <- found

    let know (later: Ghost) =
        if not (obj.ReferenceEquals(later, ghost)) then
            ghost <- encoding.Ghost later

    let leave (number: int) (before: Node) =
        tell (fun () -> $"{show.Name number} forgets its log and begins anew")
        let struct (judged, found) = rules.Dissolved(before, ghost)
        know judged
        breaks found

    let happen (number: int) (event: Event) =
        let before = nodes[number]
        if broken.IsNone && not before.HasLeft then
            let outcome = steps.Outcome(number, before, event)
            let after = outcome.Node
            nodes[number] <- after
            breaks outcome.Broken
            for sight in outcome.Seen do
                coverage.Note sight
            if not outcome.Released.IsEmpty then
                released <-
                    if released.IsEmpty then
                        outcome.Released
                    else
                        released @ outcome.Released
            if broken.IsNone then
                if after.HasLeft then
                    leave number before
                else
                    let struct (judged, found) = rules.Among(nodes, number, before, ghost)
                    know judged
                    breaks found

    /// See Normal.withoutCandidacy; and what waits for a write is not said within the action.
    let quiet (number: int) (node: Node) : Node =
        let isQuiet =
            node.Held.IsEmpty
            && (match node.State.Role with
                | Role.Follower
                | Role.Leader _ -> true
                | Role.PreCandidate _
                | Role.Candidate _
                | Role.Founder _ -> false)
        if isQuiet then
            node
        else
            match withoutCandidacy.TryGetValue node.Id with
            | true, known -> known
            | false, _ ->
                let quieted = node.With(state' = Normal.withoutCandidacy node.State, held' = [])
                let known = encoding.Node(number, quieted)
                withoutCandidacy[node.Id] <- known
                known

    let isAtomic =
        match bounds.Tier with
        | Tier.Async -> false
        | Tier.Atomic
        | Tier.Founding
        | Tier.Configuration -> true

    let lastTerm =
        match bounds.Tier with
        | Tier.Founding -> bounds.Terms
        | Tier.Atomic
        | Tier.Async
        | Tier.Configuration -> bounds.Terms + 1

    let seal () : World =
        let sealedNodes = if isAtomic then nodes |> Array.mapi quiet else copyOf nodes
        encoding.World(sealedNodes, network, ghost, crashes, proposals, duplicates)

    member _.Coverage = coverage
    member _.Cast = cast
    member _.Show = show
    member _.Broken = broken
    member _.Nodes = nodes
    member _.NodesKnown = encoding.NodesKnown

    /// The last term that members may enter.
    member _.LastTerm = lastTerm

    /// The words that have left a member since the last Take, oldest first.
    member _.Take() =
        let words = released
        released <- []
        words

    /// Where what happens is written down from now on; null for nowhere.
    member _.Story
        with get () = story
        and set (lines: List<string> | null) = story <- lines

    member _.Tell(line: unit -> string) = tell line

    member _.Load(world: World) =
        nodes <- copyOf world.Nodes
        network <- world.Network
        ghost <- world.Ghost
        released <- []
        broken <- ValueNone
        crashes <- world.Crashes
        proposals <- world.Proposals
        duplicates <- world.Duplicates
        match story with
        | null -> ()
        | lines -> lines.Clear()

    /// The first state of the bounds.
    member this.Begin() : World =
        let struct (started, known) = Restart.world bounds cast
        nodes <- started |> Array.mapi (fun number node -> encoding.Node(number, node))
        network <- []
        ghost <- encoding.Ghost known
        seal ()

    member _.Save() : Standing =
        { Nodes = copyOf nodes
          Network = network
          Ghost = ghost
          Released = released
          Broken = broken
          Used = struct (crashes, proposals, duplicates)
          Lines = lines () }

    member _.Restore(standing: Standing) =
        let struct (crashed, proposed, duplicated) = standing.Used
        nodes <- copyOf standing.Nodes
        network <- standing.Network
        ghost <- standing.Ghost
        released <- standing.Released
        broken <- standing.Broken
        crashes <- crashed
        proposals <- proposed
        duplicates <- duplicated
        match story with
        | null -> ()
        | lines -> lines.RemoveRange(standing.Lines, lines.Count - standing.Lines)

    member _.Network
        with get () = network
        and set (words: Word list) = network <- words

    /// Puts a member as another play of the same action left it.
    member _.Place(number: int, node: Node) = nodes[number] <- node

    /// Puts a member as no step of the core left it.
    member _.Make(number: int, node: Node) =
        nodes[number] <- encoding.Node(number, node)

    /// The one object for a word that no member said.
    member _.Forge(word: Word) : Word = encoding.Word word

    /// A heartbeat is due, with these others bonded.
    member _.Heartbeat(number: int, bonded: int) = happen number (Event.Heartbeat bonded)

    /// All deadlines have passed, with these others bonded.
    member _.Deadline(number: int, bonded: int) = happen number (Event.Deadline bonded)

    /// All deadlines have passed, with nobody else bonded than usual.
    member _.Deadline(number: int) =
        happen number (Event.Deadline(steps.BondedUsually number))

    /// A message arrives; late, when all deadlines have passed.
    member _.Deliver(word: Word, isLate: bool) =
        let number = word.Recipient
        let before = nodes[number]
        if broken.IsNone && not before.HasLeft then
            tell (fun () ->
                $"{show.Name number} hears: {show.Name word.Sender} {show.Message(word.Message, word.Entries)}")
            happen number (if isLate then Event.HearLate word else Event.Hear word)
            let lineage = Message.lineageOf word.Message
            let isForeign =
                not lineage.IsNone
                && not before.State.Lineage.IsNone
                && lineage <> before.State.Lineage
            if isForeign && not nodes[number].HasLeft then
                breaks (rules.Foreign(number, before, nodes[number]))

    /// The oldest write of a member on its way becomes durable.
    member _.Sync(number: int) =
        if broken.IsNone && not nodes[number].Pending.IsEmpty then
            tell (fun () -> $"{show.Name number}'s write becomes durable")
            happen number Event.Persisted

    member this.SyncAll(number: int) =
        while broken.IsNone && not nodes[number].Pending.IsEmpty do
            this.Sync number

    /// A crash, and a restart at once. Of the writes on their way the first `kept` have reached the disk.
    member _.Crash(number: int, kept: int) =
        tell (fun () ->
            $"{show.Name number} crashes and restarts, with {kept} of the {nodes[number].Pending.Length} writes on their way")
        crashes <- crashes + 1
        happen number (Event.Crash kept)

    /// The client's next command reaches a leader.
    member _.Propose(number: int) =
        proposals <- proposals + 1
        tell (fun () -> $"{show.Name number} takes command {proposals}")
        happen number (Event.Propose proposals)

    /// A member has a new bond to another, and lost the former one.
    member _.BondAnew(number: int, other: int) =
        happen number (Event.BondBroke other)
        happen number (Event.Bonded other)

    member _.Learn(number: int, other: int, lineage: int) =
        tell (fun () -> $"{show.Name number} learns that {show.Name other} belongs to {show.Lineage lineage}")
        happen number (Event.Affiliated(other, lineage))

    member _.Duplicate() = duplicates <- duplicates + 1

    member _.Silence(number: int) =
        tell (fun () -> $"{show.Name number} has not heard its leader for long")
        happen number Event.Silence

    /// The state as it is now. In the atomic tiers what was said in the action is over.
    member _.Seal() : World = seal ()

    /// True while no member is beyond the last term.
    member _.IsWithinTerms =
        nodes
        |> Array.forall (fun node -> node.State.CurrentTerm.Value <= uint64 lastTerm)

    /// True while the bounds hold: the terms, and how many writes are on their way.
    member this.IsWithin =
        let writes = nodes |> Array.sumBy (fun node -> node.Pending.Length)
        writes <= bounds.WritesInFlight && this.IsWithinTerms
