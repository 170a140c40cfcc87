namespace Mosaik.Hybrid.Simulation

open System
open System.Globalization

open Mosaik.Hybrid.Core

/// Something that a plan can be made to do without.
type Calm =
    /// No message of consensus is lost.
    | Loss = 0
    /// None comes twice.
    | Repeats = 1
    /// None takes much longer than the others.
    | Tails = 2
    /// Messages of one kind keep their order.
    | Reordering = 3
    /// Events of one moment happen in the order in which they were made.
    | Shuffling = 4
    /// All clocks run alike.
    | Drift = 5
    /// The core sees every input at once.
    | Gathering = 6
    /// Writes reach the disk at once.
    | SlowDisks = 7
    /// Committed entries are applied at once.
    | SlowMachines = 8
    /// Every peer starts at the beginning.
    | Lateness = 9
    /// Every peer is a normal one.
    | Preferences = 10
    /// Nobody takes snapshots.
    | Snapshots = 11

/// How a plan differs from the one that its seed makes: what a shrinker took away.
type Edits =
    {
        /// The faults and calls that are left, by number; none for all.
        Faults: int[] voption
        Calls: int[] voption
        /// Only the first so many peers.
        Peers: int voption
        /// Milliseconds with faults.
        Until: int voption
        Calm: Calm list
    }

[<RequireQualifiedAccess>]
module Edits =

    /// The plan as its seed makes it.
    let none = { Faults = ValueNone; Calls = ValueNone; Peers = ValueNone; Until = ValueNone; Calm = [] }

    let private soothe (plan: Plan) (calm: Calm) : Plan =
        let peers (change: PeerHabits -> PeerHabits) = Array.map change plan.Peers
        match calm with
        | Calm.Loss -> { plan with Network = { plan.Network with LossPerMille = 0 } }
        | Calm.Repeats -> { plan with Network = { plan.Network with RepeatPerMille = 0 } }
        | Calm.Tails -> { plan with Network = { plan.Network with TailPerMille = 0 } }
        | Calm.Reordering -> { plan with Network = { plan.Network with IsOrdered = true } }
        | Calm.Shuffling -> { plan with IsShuffled = false }
        | Calm.Drift -> { plan with Peers = peers (fun peer -> { peer with Drift = 0 }) }
        | Calm.Gathering -> { plan with Runtime = { plan.Runtime with GatherPerMille = 0 } }
        | Calm.SlowDisks -> { plan with Runtime = { plan.Runtime with DiskMax = 0 } }
        | Calm.SlowMachines -> { plan with Runtime = { plan.Runtime with ApplyMax = 0; ApplyChunk = 1_000 } }
        | Calm.Snapshots -> { plan with Runtime = { plan.Runtime with SnapshotEvery = 0 } }
        | Calm.Lateness -> { plan with Peers = peers (fun peer -> { peer with StartsAt = 0 }) }
        | _ -> { plan with Peers = peers (fun peer -> { peer with Preference = NodePreference.normal }) }

    let private keep (numberOf: 'item -> int) (kept: int[] voption) (items: 'item[]) =
        match kept with
        | ValueNone -> items
        | ValueSome numbers -> items |> Array.filter (fun item -> Array.contains (numberOf item) numbers)

    let private withPeers (count: int) (plan: Plan) =
        let count = max 1 (min count plan.Size)
        { plan with
            Peers = Array.truncate count plan.Peers
            Calls = plan.Calls |> Array.filter (fun call -> call.Peer <= count)
            Faults =
                plan.Faults
                |> Array.filter (fun fault -> FaultKinds.concerns fault.Kind <= count)
            Consensus = { plan.Consensus with FoundingMembers = min count plan.Consensus.FoundingMembers } }

    /// The plan as edited.
    let apply (edits: Edits) (plan: Plan) : Plan =
        let plan = List.fold soothe plan edits.Calm
        let plan =
            { plan with
                Faults = keep (fun (fault: Fault) -> fault.Number) edits.Faults plan.Faults
                Calls = keep (fun (call: Call) -> call.Number) edits.Calls plan.Calls
                FaultyFor = ValueOption.defaultValue plan.FaultyFor edits.Until }
        match edits.Peers with
        | ValueSome count -> withPeers count plan
        | ValueNone -> plan

    /// `0-4,7`; `none` for nothing.
    let private showNumbers (numbers: int[]) =
        let rec runs (rest: int list) =
            match rest with
            | [] -> []
            | first :: _ ->
                let length =
                    rest
                    |> List.indexed
                    |> List.takeWhile (fun (place, number) -> number = first + place)
                    |> List.length
                let last = first + length - 1
                (if last = first then string first else $"{first}-{last}")
                :: runs (List.skip length rest)
        match numbers |> Array.sort |> List.ofArray |> runs with
        | [] -> "none"
        | shown -> String.Join(",", shown)

    /// What `showNumbers` writes; none for anything else, and for more than 100,000 numbers.
    let parseNumbers (text: string) : int[] voption =
        let number (text: string) =
            match Int32.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, value when value < 100_000 -> ValueSome value
            | _ -> ValueNone
        let part (text: string) =
            match text.Split '-' with
            | [| single |] -> number single |> ValueOption.map (fun value -> [| value |])
            | [| first; last |] ->
                match number first, number last with
                | ValueSome first, ValueSome last when first <= last -> ValueSome [| first..last |]
                | _, _ -> ValueNone
            | _ -> ValueNone
        if text = "none" then
            ValueSome [||]
        else
            let parts = text.Split ',' |> Array.map part
            if parts |> Array.exists (fun part -> part.IsNone) then
                ValueNone
            else
                parts |> Array.collect ValueOption.get |> Array.distinct |> ValueSome

    /// As arguments of the command line, from which the same edits can be read again.
    let arguments (edits: Edits) =
        [ match edits.Faults with
          | ValueSome numbers -> $"--faults {showNumbers numbers}"
          | ValueNone -> ()
          match edits.Calls with
          | ValueSome numbers -> $"--calls {showNumbers numbers}"
          | ValueNone -> ()
          match edits.Peers with
          | ValueSome count -> $"--peers {count}"
          | ValueNone -> ()
          match edits.Until with
          | ValueSome until -> $"--until {until}"
          | ValueNone -> ()
          match edits.Calm with
          | [] -> ()
          | calm ->
              let names = calm |> List.map (fun calm -> (string calm).ToLowerInvariant())
              "--calm " + String.Join(",", names) ]
        |> String.concat " "
