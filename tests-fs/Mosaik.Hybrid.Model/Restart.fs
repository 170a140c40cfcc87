namespace Mosaik.Hybrid.Model

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// How a member comes up from its disk, by the core's own `State.restore`.
[<RequireQualifiedAccess>]
module Restart =

    let private outline (durable: Entry[]) =
        if durable.Length = 0 then
            LogOutline.empty
        else
            let mutable runs: TermRun list = []
            for entry in durable do
                match runs with
                | run :: _ when run.Term = entry.Value.Term -> ()
                | _ -> runs <- { First = entry.Value.Index; Term = entry.Value.Term } :: runs
            LogOutline.restore LogPosition.Zero durable[durable.Length - 1].Value.Position (List.rev runs)

    /// Newest first.
    let private configurations (durable: Entry[]) =
        [ for entry in Array.rev durable do
              if entry.Kind = EntryKind.Configuration then
                  match Configuration.decode entry.Value.Payload with
                  | Ok(struct (_, configuration)) -> struct (entry.Value.Index, configuration)
                  | Error error ->
                      invalidOp $"A configuration entry at {entry.Value.Position} is none: {error}" ]

    /// Member `number` with this on its disk.
    let node bounds config (cast: Cast) bonds (number: int) (hard: Hard) (durable: Entry[]) vote : Node =
        let stored: HardState =
            { Member = cast.Member number
              Session = 1UL
              Lineage = cast.LineageOf hard.Lineage
              CurrentTerm = Term(uint64 hard.Term)
              VotedFor = if hard.Vote < 0 then null else cast.Member hard.Vote
              Acknowledged =
                if durable.Length = 0 then
                    LogPosition.Zero
                else
                    durable[durable.Length - 1].Value.Position }
        let state =
            State.restore
                config
                Moment.now
                1UL
                { State.fresh stored with Outline = outline durable; Configurations = configurations durable }
        Node(Normal.ofState bounds bonds state, durable, hard, durable, [], [], vote, false)

    /// The first state: everybody holds the given log, or nothing in the founding tier and as a newcomer.
    let world (bounds: Bounds) (cast: Cast) : struct (Node[] * Ghost) =
        let config = Normal.configOf bounds
        let empty: Hard = { Term = 0; Vote = -1; Lineage = 0 }
        let given: Hard = { Term = 1; Vote = -1; Lineage = 1 }
        let isGiven (number: int) =
            match bounds.Tier with
            | Tier.Founding -> false
            | Tier.Atomic
            | Tier.Async
            | Tier.Configuration -> number < bounds.Members
        let node (number: int) =
            let bonds =
                match bounds.Tier with
                | Tier.Async -> cast.Bonds(cast.Everybody ^^^ (1 <<< number))
                | Tier.Atomic
                | Tier.Founding
                | Tier.Configuration -> cast.Bonds 0
            if isGiven number then
                node bounds config cast bonds number given [| cast.Foundation |] (struct (0, -1))
            else
                node bounds config cast bonds number empty [||] (struct (0, -1))
        let commitments: Commitment list =
            match bounds.Tier with
            | Tier.Founding -> []
            | Tier.Atomic
            | Tier.Async
            | Tier.Configuration -> [ { Lineage = 1; Index = 1; Entry = cast.Foundation; Term = 1 } ]
        struct (Array.init cast.Size node, Ghost([], commitments, []))
