namespace Mosaik.Hybrid.Model

open System.Collections.Generic
open System.Diagnostics

open Mosaik.Hybrid.Core

/// The shortest way from the first state to one in which a rule is broken.
type Counterexample =
    {
        Rule: string
        Evidence: string
        /// How many actions it takes.
        Length: int
        /// What happens, and the members after each action, line by line.
        Trace: string list
    }

[<RequireQualifiedAccess>]
type Ending =
    /// Every state within the bounds was visited, and every rule holds in all of them.
    | Exhausted
    /// A limit of the bounds came first; which one.
    | Cut of limit: string
    | Broken of Counterexample

/// What an exploration found.
type Report =
    {
        Bounds: Bounds
        /// Distinct states; up to the names of members when symmetry is on.
        States: int
        /// Distinct states up to the names of members, when symmetry is checked.
        StatesUpToNames: int
        /// Steps from a state to a state, known or new.
        Transitions: int64
        /// The longest of the shortest ways to a state.
        Depth: int
        Seconds: float
        Ending: Ending
        Coverage: Coverage
    }

/// Breadth first, over the real core. Only digests of the visited states are kept, besides the frontier; the way to
/// a state is kept as two numbers a state, and played again when it is wanted.
[<RequireQualifiedAccess>]
module Explorer =

    let private explorerOf (bounds: Bounds) (play: Play) (emit: unit -> unit) : World -> unit =
        match bounds.Tier with
        | Tier.Async -> Asynchronous(bounds, play, emit).Explore
        | Tier.Atomic
        | Tier.Founding
        | Tier.Configuration -> Atomic(bounds, play, emit).Explore

    /// Plays the actions again, each named by its number among those of its state, and tells what happens.
    let private trace (bounds: Bounds) (path: int list) : string list =
        let cast = Cast bounds
        let play = Play(bounds, cast)
        let story = List<string>()
        let lines = List<string>()
        let mutable world = play.Begin()
        let mutable wanted = 0
        let mutable at = 0
        let mutable reached: World voption = ValueNone
        let emit () =
            if at = wanted then
                lines.AddRange(story |> Seq.map (fun line -> "     " + line))
                reached <- ValueSome(play.Seal())
            at <- at + 1
        let explore = explorerOf bounds play emit
        play.Story <- story
        path
        |> List.iteri (fun number action ->
            wanted <- action
            at <- 0
            reached <- ValueNone
            lines.Add $"{number + 1}."
            explore world
            match reached with
            | ValueSome next ->
                for member' in 0 .. next.Nodes.Length - 1 do
                    if not (obj.ReferenceEquals(next.Nodes[member'], world.Nodes[member'])) then
                        lines.Add("   = " + play.Show.Node(member', next.Nodes[member']))
                world <- next
            | ValueNone -> invalidOp "The same actions lead elsewhere: the core is not deterministic.")
        List.ofSeq lines

    let private pathTo (parents: List<int>) (actions: List<int>) (state: int) (action: int) : int list =
        let rec back (state: int) (path: int list) =
            if state = 0 then
                path
            else
                back parents[state] (actions[state] :: path)
        back state [ action ]

    /// Explores all states within the bounds. `progress` is told states, transitions, depth and the size of the
    /// frontier, now and then.
    let run (bounds: Bounds) (progress: int -> int64 -> int -> int -> unit) : Report =
        let play = Play(bounds, Cast bounds)
        let visited = Visited(min bounds.StatesMax 1_000_000)
        let upToNames = Visited 1_024
        let parents = List<int>()
        let actions = List<int>()
        let clock = Stopwatch.StartNew()
        let mutable frontier = List<World>()
        let mutable firstOfFrontier = 0
        let mutable next = List<World>()
        let mutable transitions = 0L
        let mutable depth = 0
        let mutable exploring = 0
        let mutable action = 0
        let mutable ending: Ending voption = ValueNone

        let fail (found: Violation) =
            let path = pathTo parents actions exploring action
            ending <-
                ValueSome(
                    Ending.Broken
                        { Rule = found.Rule
                          Evidence = found.Evidence
                          Length = path.Length
                          Trace = trace bounds path }
                )

        let digestOf (world: World) =
            match bounds.Symmetry with
            | Symmetry.On -> world.LeastDigest
            | Symmetry.Off -> world.OwnDigest
            | Symmetry.Checked ->
                upToNames.Add world.LeastDigest |> ignore
                world.OwnDigest

        let add (world: World) =
            if visited.Add(digestOf world) then
                next.Add world
                parents.Add exploring
                actions.Add action
                if visited.Count >= bounds.StatesMax then
                    ending <- ValueSome(Ending.Cut $"{bounds.StatesMax} states")

        let emit () =
            if ending.IsNone then
                transitions <- transitions + 1L
                match play.Broken with
                | ValueSome found -> fail found
                | ValueNone ->
                    if play.IsWithin then
                        add (play.Seal())
            action <- action + 1

        let explore = explorerOf bounds play emit
        play.Begin() |> add
        while ending.IsNone && next.Count > 0 do
            firstOfFrontier <- visited.Count - next.Count
            frontier <- next
            next <- List<World>()
            depth <- depth + 1
            let mutable at = 0
            while ending.IsNone && at < frontier.Count do
                exploring <- firstOfFrontier + at
                action <- 0
                explore frontier[at]
                at <- at + 1
                if at % 1_024 = 0 then
                    progress visited.Count transitions depth (frontier.Count - at + next.Count)
                    if clock.Elapsed.TotalMinutes > bounds.MinutesMax then
                        ending <- ValueSome(Ending.Cut $"{bounds.MinutesMax} minutes")
        { Bounds = bounds
          States = visited.Count
          StatesUpToNames = upToNames.Count
          Transitions = transitions
          Depth = depth
          Seconds = clock.Elapsed.TotalSeconds
          Ending =
            match ending with
            | ValueSome ending -> ending
            | ValueNone -> Ending.Exhausted
          Coverage = play.Coverage }
