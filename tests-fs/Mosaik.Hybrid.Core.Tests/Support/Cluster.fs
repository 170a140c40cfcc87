namespace Mosaik.Hybrid.Core.Tests.Support

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// How a run ended.
[<NoComparison>]
type Outcome =
    {
        /// The rule that was broken, and what showed it; none when all held.
        Failure: (string * string) option
        Trace: string list
        /// How much happened: events, and committed entries.
        Events: int
        Committed: int
    }

/// A whole cluster from a seed: peers with disks, a network, clients, faults, and an oracle that watches. First
/// everything goes wrong that the schedule wants; then all heals, and the group must come to rest as one.
[<Sealed>]
type Cluster(schedule: Schedule, isTraced: bool) =

    let timeout = schedule.Consensus.ElectionTimeout + schedule.Consensus.ElectionTimeoutJitter
    let events = PriorityQueue<(unit -> unit), struct (int64 * int64)>()
    let dice = Dice(schedule.Seed ^^^ 0x5DEECE66DUL)
    let trouble = Dice(schedule.Seed ^^^ 0xBADC0FFEUL)
    let calls = Dice(schedule.Seed ^^^ 0xC11E27UL)
    let trace = Trace(isTraced, 60)
    let oracle = Oracle()
    let acknowledged = Acknowledged()
    let mutable now = 0L
    let mutable sequence = 0L
    let mutable count = 0
    let mutable sameMoment = 0
    let mutable isHealed = false

    let later (delay: int) (action: unit -> unit) =
        sequence <- sequence + 1L
        events.Enqueue(action, struct (now + int64 delay, sequence))

    let mesh = Mesh(schedule, (fun () -> now), later, dice, trace)
    let lives: int[] = Array.create (schedule.Size + 1) 0
    let disks: Disk voption[] = Array.create (schedule.Size + 1) ValueNone
    let broken rule evidence = raise (Broken(rule, evidence))

    let rec start (number: int) =
        let disk =
            match disks[number] with
            | ValueSome disk -> disk
            | ValueNone ->
                lives[number] <- lives[number] + 1
                let disk = Disk(Name.memberOf number lives[number])
                oracle.Knows disk
                disks[number] <- ValueSome disk
                disk
        let session =
            match disk.Hard with
            | null -> 1UL
            | hard -> hard.Session + 1UL
        let world =
            { Now = fun () -> now
              Later = later
              DiskMax =
                fun () ->
                    if isHealed then
                        min 5 schedule.DiskMax
                    else
                        schedule.DiskMax
              Post = fun sender recipient message -> mesh.Post(sender, recipient, message)
              Affiliated = fun id -> mesh.Affiliated id
              Reset = reset
              Oracle = oracle
              Acknowledged = acknowledged
              Trace = trace
              Dice = dice }
        let skew = int64 (dice.Below 10_000)
        let started = Process(schedule, disk, session, dice.Bits(), skew, world)
        mesh.Processes[number] <- ValueSome started
        trace.Say(
            now,
            (fun () -> $"{Name.show started.Id} starts, session {session}, log up to {disk.Log.Last}")
        )
        started.Deliver Input.Tick

    and reset (id: MemberId) =
        let number = Name.numberOf id
        match mesh.Processes[number] with
        | ValueSome running when running.Id.Equals id && running.IsAlive ->
            trace.Say(now, (fun () -> $"{Name.show id} forgets its log"))
            running.Crash()
            disks[number] <- ValueNone
            later 5 (fun () -> start number)
        | _ -> ()

    /// True when every committee that anybody knows of keeps a majority without this incarnation. Who belongs to
    /// another lineage by now is lost to a committee already.
    let canLose (id: MemberId) =
        let isKept (lineage: Lineage) (voter: MemberId) =
            not (voter.Equals id)
            && (match disks[Name.numberOf voter] with
                | ValueSome disk -> disk.Owner.Equals voter && (disk.Lineage.IsNone || disk.Lineage = lineage)
                | ValueNone -> false)
        let committees =
            [ for started in mesh.Processes do
                  match started with
                  | ValueSome started ->
                      match State.configuration started.State with
                      | ValueSome configuration -> struct (started.State.Lineage, configuration)
                      | ValueNone -> ()
                  | ValueNone -> () ]
        oracle.LineageCount > 0
        && committees
           |> List.forall (fun struct (lineage, configuration) ->
               Quorum.isReached configuration (isKept lineage))

    let crashOne () =
        match mesh.Alive with
        | [] -> ()
        | alive ->
            let victim = trouble.OneOf(Array.ofList alive)
            let number = Name.numberOf victim.Id
            let wipes = trouble.Chance schedule.WipePerMille && canLose victim.Id
            victim.Crash()
            if wipes then
                trace.Say(now, (fun () -> $"{Name.show victim.Id} loses its disk"))
                disks[number] <- ValueNone
            later (trouble.Between(1, 6 * schedule.Consensus.ElectionTimeout)) (fun () ->
                match mesh.Processes[number] with
                | ValueSome former when not former.IsAlive -> start number
                | _ -> ())

    let openAll () =
        for i in 1 .. schedule.Size do
            for j in 1 .. schedule.Size do
                mesh.Cut(i, j, false)

    let isolate (number: int) (inward: bool) (outward: bool) =
        for other in 1 .. schedule.Size do
            if other <> number then
                if outward then
                    mesh.Cut(number, other, true)
                if inward then
                    mesh.Cut(other, number, true)

    let partition () =
        let size = schedule.Size
        openAll ()
        match trouble.Below 6 with
        | 0 -> ()
        | 1 -> isolate (trouble.Between(1, size)) true true
        | 2 -> isolate (trouble.Between(1, size)) (trouble.Chance 500) true
        | 3 ->
            // Two sides.
            let side = Array.init (size + 1) (fun _ -> trouble.Chance 500)
            for i in 1..size do
                for j in 1..size do
                    if side[i] <> side[j] then
                        mesh.Cut(i, j, true)
        | 4 ->
            match mesh.Alive |> List.filter (fun running -> State.isLeader running.State) with
            | leader :: _ -> isolate (Name.numberOf leader.Id) (trouble.Chance 500) true
            | [] -> ()
        | _ ->
            let a, b = trouble.Between(1, size), trouble.Between(1, size)
            if a <> b then
                mesh.Cut(a, b, true)

    let call () =
        match mesh.Alive with
        | [] -> ()
        | alive ->
            let running = calls.OneOf(Array.ofList alive)
            match calls.Below 20 with
            | 0 -> running.GiveUpReads()
            | 1
            | 2
            | 3
            | 4
            | 5 -> running.Read()
            | 6
            | 7 -> running.Propose(calls.Between(2, 5))
            | _ -> running.Propose 1

    let rec repeat (every: int) (untilHealed: bool) (action: unit -> unit) =
        if every > 0 then
            later (1 + dice.Below(2 * every)) (fun () ->
                if not (untilHealed && isHealed) then
                    action ()
                    repeat every untilHealed action)

    let heal () =
        isHealed <- true
        trace.Say(now, (fun () -> "---- all faults end ----"))
        mesh.Heal()
        for number in 1 .. schedule.Size do
            match mesh.Processes[number] with
            | ValueSome running when running.IsAlive -> ()
            | _ -> start number

    let compareLogs () =
        let alive = mesh.Alive
        for a in alive do
            for b in alive do
                if a.Id < b.Id && not a.State.Lineage.IsNone && a.State.Lineage = b.State.Lineage then
                    oracle.Match(a.Id, a.Log, b.Id, b.Log)

    /// Why the cluster is not at rest as one group yet; none when it is.
    let unrest () =
        let alive = mesh.Alive
        match alive |> List.filter (fun running -> State.isLeader running.State) with
        | [ leader ] ->
            let last = leader.Log.Last
            alive
            |> List.tryPick (fun running ->
                let name = Name.show running.Id
                if running.State.Lineage <> leader.State.Lineage then
                    Some $"{name} has another lineage than the leader"
                elif running.Log.Last <> last || running.State.CommitIndex <> last then
                    Some
                        $"{name} has committed {running.State.CommitIndex} of {running.Log.Last}, the leader's last is {last}"
                elif running.Machine.Index <> last then
                    Some $"{name} has applied {running.Machine.Index} of {last}"
                elif running.Client.PendingCount > 0 then
                    Some
                        $"{name} has {running.Client.PendingCount} commands pending: {running.State.Proposer}"
                elif running.Client.ReadCount > 0 then
                    Some $"{name} has {running.Client.ReadCount} reads waiting: {running.State.Reads}"
                else
                    None)
        | leaders -> Some $"{leaders.Length} leaders"

    let describe () =
        mesh.Alive
        |> List.map (fun running ->
            $"{Name.show running.Id} {Show.role running.State} t{running.State.CurrentTerm} "
            + $"last {running.State.Outline.Last} commit {running.State.CommitIndex}")
        |> String.concat "; "

    /// More than one lineage has committed something: only an operator may end that.
    let isConflict () =
        let lineages =
            mesh.Alive
            |> List.map (fun running -> running.State.Lineage.Value)
            |> List.filter (fun value -> not value.IsZero)
            |> List.distinct
        oracle.LineageCount > 1
        || lineages.Length > 1 && schedule.Consensus.FoundingMembers < schedule.Size

    let advance () =
        let mutable action = Unchecked.defaultof<unit -> unit>
        let mutable at = struct (0L, 0L)
        if events.TryDequeue(&action, &at) then
            let struct (time, _) = at
            sameMoment <- if time = now then sameMoment + 1 else 0
            if sameMoment > 50_000 then
                broken Rule.liveness "50,000 events in one millisecond"
            now <- time
            count <- count + 1
            action ()
            if count % 64 = 0 then
                compareLogs ()

    let play () =
        for number in 1 .. schedule.Size do
            if trouble.Chance schedule.LatePerMille && number > 1 then
                later (trouble.Below schedule.Faulty) (fun () ->
                    if mesh.Processes[number].IsNone then
                        start number)
            else
                later (trouble.Below 3) (fun () ->
                    if mesh.Processes[number].IsNone then
                        start number)
        repeat 10 false mesh.Manage
        repeat schedule.PartitionEvery true partition
        repeat schedule.CrashEvery true crashOne
        repeat schedule.CallEvery true call
        while now < int64 schedule.Faulty do
            advance ()
        heal ()
        // Small limits make a long queue slow, but it must move.
        let patience = int64 (60 * timeout + 2 * schedule.Consensus.BootstrapDelay + 5_000)
        let mutable limit = now + patience
        let mutable applied = -1
        let mutable next = now
        let mutable problem = Some "nothing has happened"
        while problem.IsSome && not (isConflict ()) do
            advance ()
            if now >= next then
                next <- now + 20L
                problem <- unrest ()
                let appliedNow = mesh.Alive |> List.sumBy (fun running -> int running.Machine.Applied)
                if appliedNow > applied then
                    applied <- appliedNow
                    limit <- now + patience
            if now > limit then
                broken Rule.liveness $"{problem.Value}. {describe ()}"
        compareLogs ()
        // Two committed foundings have disjoint majorities; from some size of a proposal on there is no room for both.
        if
            2 * Quorum.majority schedule.Consensus.FoundingMembers > schedule.Size
            && oracle.LineageCount > 1
        then
            broken Rule.electionSafety "two lineages committed, though no two foundings could have a majority"

    /// Runs to the end, or to the first broken rule.
    member _.Run() : Outcome =
        let failure =
            try
                play ()
                None
            with Broken(rule, evidence) ->
                Some(rule, $"at {now} ms: {evidence}")
        let committed =
            mesh.Alive
            |> List.fold (fun most running -> max most (int running.State.CommitIndex.Value)) 0
        { Failure = failure; Trace = trace.Lines; Events = count; Committed = committed }

[<RequireQualifiedAccess>]
module Cluster =

    /// Plays a schedule; a failure is played again with a trace.
    let play (schedule: Schedule) : Outcome =
        let outcome = Cluster(schedule, false).Run()
        if outcome.Failure.IsSome then
            Cluster(schedule, true).Run()
        else
            outcome

    /// A failure in words: the seed, the broken rule, the end of the trace, and how to see it again.
    let report (schedule: Schedule) (outcome: Outcome) =
        match outcome.Failure with
        | None -> $"seed {schedule.Seed}: every rule held"
        | Some(rule, evidence) ->
            let lines = String.concat "\n" outcome.Trace
            $"seed {schedule.Seed} breaks: {rule}\n{evidence}\n{lines}\n%A{schedule}\n"
            + $"To see it again: MOSAIK_SEED={schedule.Seed} dotnet test tests-fs/Mosaik.Hybrid.Core.Tests"
