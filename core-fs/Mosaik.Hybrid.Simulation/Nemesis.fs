namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Carries out the faults of a plan: each begins at its moment and ends after its time, or when all faults do.
[<Sealed>]
type Nemesis(world: World) =

    let plan = world.Plan
    let size = plan.Size
    let coverage = world.Coverage
    let dice = Dice.For(plan.Seed, Purpose.Faults)

    let leader () =
        world.Alive |> List.tryFind (fun node -> State.isLeader node.Raft)

    let others (peer: int) =
        [ for other in 1..size do
              if other <> peer then
                  other ]

    let isolation (peer: int) (inward: bool) (outward: bool) =
        [ for other in others peer do
              if outward then
                  struct (peer, other)
              if inward then
                  struct (other, peer) ]

    let isOn (sides: int) (peer: int) = (sides >>> peer) &&& 1 = 1

    let acrossSides (sides: int) (except: int) =
        [ for i in 1..size do
              for j in 1..size do
                  if i <> except && j <> except && isOn sides i <> isOn sides j then
                      struct (i, j) ]

    let ring =
        [ for i in 1..size do
              for j in others i do
                  let distance = (i - j + size) % size
                  if distance <> 1 && distance <> size - 1 then
                      struct (i, j) ]

    let cut (ways: struct (int * int) list) =
        coverage.Meet Sight.Partitioned
        for struct (sender, receiver) in ways do
            world.Network.Cut(sender, receiver, true)
        fun () ->
            for struct (sender, receiver) in ways do
                world.Network.Cut(sender, receiver, false)

    let nothing () = ()

    let ofNode (peer: int) (action: Node -> (unit -> unit)) =
        match world.NodeOf peer with
        | ValueSome node -> action node
        | ValueNone -> nothing

    let ofDisk (peer: int) (action: Disk -> (unit -> unit)) =
        match world.DiskOf peer with
        | ValueSome disk -> action disk
        | ValueNone -> nothing

    let pause (node: Node) =
        node.Pause()
        node.Resume

    let stall (disk: Disk) =
        disk.IsStalled <- true
        fun () -> disk.IsStalled <- false

    let crash (peer: int) (wipes: bool) =
        ofNode peer (fun _ ->
            let wipes = wipes && world.CanLose peer
            world.Crash peer
            if wipes then
                world.Wipe peer
            fun () -> world.Start peer)

    let crashAll () =
        for peer in 1..size do
            world.Crash peer
        fun () ->
            for peer in 1..size do
                world.After(dice.Below 200, (fun () -> world.Start peer))

    /// An entry that the disk holds can't be read any more; only on disks that the group can do without.
    let corrupt (disk: Disk) peer =
        if disk.Log.Count > 0 && not disk.IsDoomed && world.CanLose peer then
            disk.IsDoomed <- true
            disk.Corrupt <- LogIndex(1UL + uint64 (dice.Below disk.Log.Count))
        nothing

    let loseAcknowledged (disk: Disk) peer =
        let acknowledged =
            match disk.Hard with
            | null -> LogIndex.Zero
            | hard -> hard.Acknowledged.Index
        // What a snapshot stands for is not lost with its entries.
        let safe =
            match disk.Snapshot with
            | ValueSome kept -> kept.Facts.Position.Index
            | ValueNone -> LogIndex.Zero
        if acknowledged > safe && not disk.IsDoomed && world.CanLose peer then
            world.Crash peer
            let lost = int (acknowledged.Value - safe.Value)
            world.Shorten(peer, safe.Next.Plus(dice.Below lost))
            fun () -> world.Start peer
        else
            nothing

    /// A pair that is cut and healed by turns, until the fault is over.
    let flap (left: int) (right: int) (every: int) =
        let ways = [ struct (left, right); struct (right, left) ]
        let heal = ref nothing
        let isOver = ref false
        let rec turn (isCut: bool) =
            if not isOver.Value && not world.IsHealed then
                if isCut then
                    heal.Value <- cut ways
                else
                    heal.Value()
                    heal.Value <- nothing
                world.After(every, (fun () -> turn (not isCut)))
        turn true
        fun () ->
            isOver.Value <- true
            heal.Value()

    let leave (peer: int) =
        ofNode peer (fun node ->
            node.Leave()
            fun () -> world.Start peer)

    let leaveMany (peers: int) =
        let ends =
            [ for peer in 1..size do
                  if isOn peers peer then
                      leave peer ]
        fun () ->
            for finish in ends do
                finish ()

    let handOver (peer: int) (target: int) =
        ofNode peer (fun node ->
            node.HandOver(if target = peer then ValueNone else ValueSome target)
            nothing)

    let jump (peer: int) (by: int64) =
        ofNode peer (fun node ->
            coverage.Meet Sight.WallClockJumped
            node.Clock.WallOffset <- node.Clock.WallOffset + by
            fun () -> node.Clock.WallOffset <- node.Clock.WallOffset - by)

    /// Begins a fault; returns what ends it.
    let beginFault (kind: FaultKind) : unit -> unit =
        match kind with
        | FaultKind.Isolate(peer, inward, outward) -> cut (isolation peer inward outward)
        | FaultKind.IsolateLeader inward ->
            match leader () with
            | Some node -> cut (isolation node.Peer inward true)
            | None -> nothing
        | FaultKind.Split sides -> cut (acrossSides sides 0)
        | FaultKind.Ring -> cut ring
        | FaultKind.Bridge(peer, sides) -> cut (acrossSides sides peer)
        | FaultKind.CutWay(from, towards) ->
            coverage.Meet Sight.OneWayCut
            cut [ struct (from, towards) ]
        | FaultKind.CutPair(left, right) -> cut [ struct (left, right); struct (right, left) ]
        | FaultKind.Flap(left, right, every) -> flap left right every
        | FaultKind.ResetLinks peer ->
            ofNode peer (fun node ->
                world.Network.ResetLinks node
                nothing)
        | FaultKind.Clog ->
            world.Network.Clog true
            fun () -> world.Network.Clog false
        | FaultKind.LoseKind kind ->
            world.Network.LoseKind(kind, true)
            fun () -> world.Network.LoseKind(kind, false)
        | FaultKind.SlowNetwork factor ->
            world.Network.Slow factor
            fun () -> world.Network.Slow 1
        | FaultKind.Crash(peer, wipes) -> crash peer wipes
        | FaultKind.CrashAll -> crashAll ()
        | FaultKind.Pause peer -> ofNode peer pause
        | FaultKind.PauseLeader ->
            match leader () with
            | Some node -> pause node
            | None -> nothing
        | FaultKind.StallDisk peer -> ofDisk peer stall
        | FaultKind.StallLeaderDisk ->
            match leader () with
            | Some node -> stall node.Disk
            | None -> nothing
        | FaultKind.FillDisk peer ->
            ofDisk peer (fun disk ->
                disk.IsFull <- true
                fun () -> disk.IsFull <- false)
        | FaultKind.Corrupt peer -> ofDisk peer (fun disk -> corrupt disk peer)
        | FaultKind.LoseAcknowledged peer -> ofDisk peer (fun disk -> loseAcknowledged disk peer)
        | FaultKind.JumpWallClock(peer, by) -> jump peer by
        | FaultKind.Leave peer -> leave peer
        | FaultKind.LeaveMany peers -> leaveMany peers
        | FaultKind.HandOver(peer, target) -> handOver peer target
        | FaultKind.Intrude peer ->
            ofNode peer (fun node ->
                Intruder.visit world node dice
                nothing)

    /// Schedules every fault of the plan. Those that are under way when all faults end, end then.
    member _.Schedule() =
        for fault in plan.Faults do
            world.After(
                fault.At,
                fun () ->
                    if not world.IsHealed then
                        if world.Trace.IsOn then
                            world.Trace.Say(
                                world.Now,
                                $"---- fault {fault.Number}: %A{fault.Kind} for {fault.Lasts} ms"
                            )
                        let heal = beginFault fault.Kind
                        world.After(
                            fault.Lasts,
                            fun () ->
                                if not world.IsHealed then
                                    heal ()
                        )
            )
