namespace Mosaik.Hybrid.Simulation

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// A broken rule of a run.
type Failure =
    {
        Rule: Rule
        Evidence: string
        /// When, in milliseconds of the run, and after how many events.
        At: int64
        Events: int64
    }

/// How a run ended.
[<NoComparison; NoEquality>]
type RunResult =
    {
        Plan: Plan
        /// None when every rule held.
        Failure: Failure voption
        /// The last lines, when a trace was asked for.
        Trace: string list
        Events: int64
        /// Entries committed, in all lineages.
        Committed: int
        Coverage: Coverage
        /// A fingerprint of the whole run.
        Digest: uint64
        /// Milliseconds from the end of all faults to the first leader, and to rest.
        LeaderAfter: int64
        RestAfter: int64
    }

/// What a run uses besides its plan.
[<NoComparison; NoEquality>]
type RunSettings =
    {
        /// Makes what clients and machines of one run are.
        Workload: unit -> IWorkload
        /// Makes the stores of one run; none to do without.
        Store: (unit -> IStoreUnderTest) voption
        /// How many lines of trace are kept; 0 for no trace.
        TraceLines: int
    }

/// Plays one plan: first everything goes wrong that the plan wants; then all heals, a bare majority must serve, and
/// in the end everybody must come to rest as one group.
[<Sealed>]
type private Run(plan: Plan, settings: RunSettings) =

    let trace = Trace settings.TraceLines
    let workload = settings.Workload()
    let store: IStoreUnderTest | null =
        match settings.Store with
        | ValueSome make -> make ()
        | ValueNone -> null
    let world = World(plan, workload, store, trace)
    let dice = Dice.For(plan.Seed, Purpose.Faults)
    let timeout = Rest.electionTimeoutMax plan
    let mutable leaderAfter = -1L
    let mutable restAfter = -1L

    let millisecond = 1_000L

    let advanceTo (moment: int64) =
        while world.Advance moment do
            ()

    let faulty () =
        let nemesis = Nemesis world
        for place in 0 .. plan.Size - 1 do
            world.After(plan.Peers[place].StartsAt, (fun () -> world.Start(place + 1)))
        nemesis.Schedule()
        for call in plan.Calls do
            world.After(call.At, (fun () -> world.Call call))
        world.ManageNetwork()
        advanceTo (int64 plan.FaultyFor * millisecond)

    let mutable isStuck = false

    /// More than one lineage has committed commands, or a member is stuck in one: only an operator may end that.
    let isConflict () =
        isStuck
        || (world.Oracle.Committing |> List.filter LineageFacts.hasCommands).Length > 1

    /// A member whose lineage has no majority left, but for one with lost disks: those are no witnesses, so it can't
    /// know (D15).
    let isLost (node: Node) =
        let lineageOf (voter: MemberId) =
            match world.DiskOf(Naming.numberOf voter) with
            | ValueSome disk when disk.Owner.Equals voter -> ValueSome disk.Lineage
            | ValueSome _
            | ValueNone -> ValueNone
        let mayBeOurs (voter: MemberId) =
            match lineageOf voter with
            | ValueSome lineage -> lineage.IsNone || lineage = node.Raft.Lineage
            | ValueNone -> false
        let isNoWitness (voter: MemberId) =
            mayBeOurs voter || (lineageOf voter).IsNone
        match node.Log.Configuration with
        | ValueSome configuration when node.Raft.CommitIndex = LogIndex.Zero ->
            not (Committees.decides configuration mayBeOurs)
            && Committees.decides configuration isNoWitness
        | ValueSome _
        | ValueNone -> false

    /// Two that have missed the end of their lineage keep each other from giving it up: neither knows that the other has
    /// not gone on with it.
    let hasMissedTheEnd (node: Node) =
        (world.Oracle.Of node.Raft.Lineage).IsDissolved
        && world.Alive
           |> List.exists (fun other -> other.Peer <> node.Peer && other.Raft.Lineage = node.Raft.Lineage)

    /// The committees that may have to decide, if all disks with a log are of one lineage.
    let deciding () : Configuration list =
        let lineages =
            [ for peer in 1 .. plan.Size do
                  match world.DiskOf peer with
                  | ValueSome disk when not disk.Lineage.IsNone -> disk.Lineage
                  | ValueSome _
                  | ValueNone -> () ]
        if (List.distinct lineages).Length > 1 then
            []
        else
            world.Deciding |> List.map (fun (struct (_, configuration)) -> configuration)

    /// A bare majority of the voters whose disks can be used; none when there is none, or nothing is founded.
    let bareMajority () : int list voption =
        match deciding () with
        | [] -> ValueNone
        | configurations ->
            let usable (voter: MemberId) =
                match world.DiskOf(Naming.numberOf voter) with
                | ValueSome disk -> disk.Owner.Equals voter && not disk.IsDoomed && not disk.Lineage.IsNone
                | ValueNone -> false
            let voters =
                configurations
                |> List.collect Configuration.voters
                |> List.distinct
                |> List.filter usable
                |> List.sortBy (fun _ -> dice.Bits())
            // No more of them than decide.
            let least =
                [ 1 .. voters.Length ]
                |> List.map (fun count -> List.truncate count voters)
                |> List.tryFind (fun some ->
                    configurations
                    |> List.forall (fun configuration ->
                        Committees.decides configuration (fun voter -> List.contains voter some)))
            match least with
            | Some voters -> ValueSome(List.map Naming.numberOf voters)
            | None -> ValueNone

    /// Waits until these peers are at rest. Small limits make a long queue slow, but it must move.
    let awaitRest (what: string) (problemOf: unit -> string option) =
        let patience =
            int64 (40 * timeout + 2 * plan.Consensus.BootstrapDelay * 3 + 5_000)
            * millisecond
        let leaderPatience =
            int64 (40 * timeout + 2 * plan.Consensus.BootstrapDelay * 3 + 2_000)
            * millisecond
        let began = world.Now
        let mutable limit = began + patience
        let mutable applied = -1L
        let mutable problem = Some "nothing has happened"
        while problem.IsSome && not (isConflict ()) do
            advanceTo (world.Now + 20L * millisecond)
            problem <- problemOf ()
            if
                leaderAfter < 0L
                && world.Alive
                   |> List.exists (fun node -> State.isLeader node.Raft && node.Raft.Online)
            then
                leaderAfter <- (world.Now - began) / millisecond
            // Commands, and not entries: elections without end would leave entries too.
            let appliedNow = world.Alive |> List.sumBy (fun node -> int64 node.Applier.Commands)
            if appliedNow > applied then
                applied <- appliedNow
                limit <- world.Now + patience
            let isLeaderLate = leaderAfter < 0L && world.Now > began + leaderPatience
            if world.Now > limit || isLeaderLate then
                isStuck <- world.Alive |> List.exists (fun node -> isLost node || hasMissedTheEnd node)
                if not isStuck && world.IsBeyondHelp then
                    world.Coverage.Meet Sight.CommitteeLost
                    isStuck <- true
                if not isStuck then
                    Rules.break' Rules.liveness $"{what}: {problem.Value}. {Rest.describe world.Alive}"

    let callAll (count: int) =
        for node in world.Alive do
            for number in 1..count do
                world.Call
                    { Number = plan.Calls.Length + number
                      At = 0
                      Peer = node.Peer
                      Kind =
                        (if number = count then
                             CallKind.StrongRead
                         else
                             CallKind.Execute 1)
                      Patience = 60_000 }

    /// Only a bare majority is up, and serves.
    let coreOnly (core: int list) =
        world.Coverage.Meet Sight.CoreOnlyLiveness
        for peer in 1 .. plan.Size do
            if not (List.contains peer core) then
                world.Bar(peer, true)
                world.Crash peer
        for peer in core do
            world.Start peer
        // A leader that does not know yet that the others are down may just have given some of them votes.
        let isEnough () =
            let isUp (voter: MemberId) =
                world.Alive |> List.exists (fun node -> node.Id.Equals voter)
            deciding ()
            |> List.forall (fun configuration -> Committees.decides configuration isUp)
        let unrest () =
            if isEnough () then Rest.unrest world.Alive else None
        awaitRest "a bare majority is up" unrest
        if not (isConflict ()) then
            callAll 3
            awaitRest "a bare majority is up and has calls" unrest
        for peer in 1 .. plan.Size do
            world.Bar(peer, false)

    let everybody () =
        for peer in 1 .. plan.Size do
            world.Start peer
        let unrest () =
            match Rest.unrest world.Alive with
            | Some reason -> Some reason
            | None when world.Alive.Length < plan.Size -> Some "not everybody is up"
            | None -> Rest.imperfection plan world.Alive
        awaitRest "everybody is up" unrest
        if not (isConflict ()) then
            callAll 2
            awaitRest "everybody is up and has calls" unrest

    /// A group at rest stays as it is: no elections, no broken bonds.
    let quiet () =
        let nodes = world.Alive
        let began = world.Now
        while (Rest.missingBond nodes).IsSome && world.Now - began < 5_000L * millisecond do
            advanceTo (world.Now + 20L * millisecond)
        match Rest.missingBond nodes with
        | Some reason -> Rules.break' Rules.liveness $"after 5 s without faults {reason}"
        | None -> ()
        match Rest.imaginedConflict nodes with
        | Some reason -> Rules.break' Rules.liveness $"when there is one lineage, {reason}"
        | None -> ()
        let before = nodes |> List.map (fun node -> struct (node.Raft.CurrentTerm, node.Raft.Leader))
        advanceTo (world.Now + int64 (6 * timeout) * millisecond)
        let after = nodes |> List.map (fun node -> struct (node.Raft.CurrentTerm, node.Raft.Leader))
        let hasChanged =
            List.exists2
                (fun (struct (oldTerm: Term, oldLeader)) (struct (newTerm: Term, newLeader)) ->
                    oldTerm <> newTerm || oldLeader <> newLeader)
                before
                after
        if hasChanged then
            Rules.break' Rules.quiet $"without faults the leader changed. {Rest.describe nodes}"

    /// Whoever has founded a lineage founds no other: two majorities of founders have nobody in common.
    let checkFoundings (committing: LineageFacts list) =
        let foundings =
            committing
            |> List.choose (fun facts ->
                match Configuration.decode facts.Committed[0].Entry.Payload with
                | Ok(struct (_, founders)) -> Some founders
                | Error _ -> None)
        for place, founders in List.indexed foundings do
            for others in List.skip (place + 1) foundings do
                if Committees.intersect founders others then
                    Rules.break'
                        Rules.oneLineage
                        $"{Show.configuration founders} and {Show.configuration others} each founded one that has committed"

    let judge () =
        let committing = world.Oracle.Committing
        for facts in committing do
            Replay.check world.Coverage workload facts world.Calls
        Replay.checkRefusals committing world.Calls
        if workload.IsUnique then
            Replay.checkEffects committing
        checkFoundings committing

    let play () =
        faulty ()
        world.Heal()
        match bareMajority () with
        | ValueSome core when dice.Chance 500 && not (isConflict ()) -> coreOnly core
        | ValueSome _
        | ValueNone -> ()
        everybody ()
        restAfter <- world.Now / millisecond - int64 plan.FaultyFor
        if isConflict () then
            world.Coverage.Meet Sight.LineagesInConflict
        else
            quiet ()
        judge ()

    let failureOf (rule: Rule) (evidence: string) =
        { Rule = rule; Evidence = evidence; At = world.Now / millisecond; Events = world.Events }

    member _.Play() : RunResult =
        let failure =
            try
                play ()
                ValueNone
            with RuleBroken(rule, evidence) ->
                ValueSome(failureOf rule evidence)
        if plan.Consensus.EntriesPerAppendMax = 1 && plan.Consensus.EntriesInFlightMax = 1 then
            world.Coverage.Meet Sight.RanWithSmallestLimits
        { Plan = plan
          Failure = failure
          Trace = trace.Lines
          Events = world.Events
          Committed = world.Oracle.Committing |> List.sumBy (fun facts -> facts.Committed.Count)
          Coverage = world.Coverage
          Digest = world.Digest
          LeaderAfter = leaderAfter
          RestAfter = restAfter }

[<RequireQualifiedAccess>]
module Simulation =

    /// The registers, no store under test, and no trace.
    let registers: RunSettings =
        { Workload = (fun () -> RegisterWorkload()); Store = ValueNone; TraceLines = 0 }

    /// Plays a plan. Deterministic: the same plan and settings give the same result. Never throws for a broken rule;
    /// an exception of the machine or the store under test is a broken rule too.
    let run (settings: RunSettings) (plan: Plan) : RunResult = Run(plan, settings).Play()
