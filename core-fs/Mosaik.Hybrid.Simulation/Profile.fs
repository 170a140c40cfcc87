namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// How often each class of faults strikes, in milliseconds between two of them; 0 for never.
type FaultRates =
    {
        Partitions: int
        Crashes: int
        /// Crashes in a thousand that take the disk along.
        WipesPerMille: int
        Pauses: int
        Disks: int
        /// Losses of what a disk held: corruption, acknowledged entries.
        Losses: int
        Links: int
        Clocks: int
        Leaves: int
        Intruders: int
        /// Wishes that somebody else should lead.
        HandOvers: int
    }

/// Makes plans. A profile says what its runs strain most; everything else is drawn from the seed, and each class of
/// faults is off in half of the runs, knobs at their extremes in half of them: that finds more than moderation does.
[<RequireQualifiedAccess>]
module Profile =

    let private sizes = [| 1; 1; 2; 2; 3; 3; 3; 3; 3; 3; 3; 3; 4; 5; 5; 5; 5; 5; 6; 7 |]

    /// Groups that change: also such as have more members than voters, by far.
    let private membershipSizes = [| 1; 2; 3; 3; 3; 4; 4; 5; 5; 6; 7; 8; 9 |]

    let private consensus (dice: Dice) (size: int) =
        let extreme low usual = if dice.Chance 500 then low else usual
        let timeout = dice.OneOf [| 100; 150; 300 |]
        let voters =
            if dice.Chance 250 then
                dice.Between(1, size)
            else
                max 7 size
        { ConsensusConfig.defaults with
            HeartbeatInterval = max 1 (timeout / dice.OneOf [| 2; 5; 10 |])
            HeartbeatJitter = extreme 0 5
            MaxMissedHeartbeats = dice.OneOf [| 2; 4; 10 |]
            ElectionTimeout = timeout
            ElectionTimeoutJitter = extreme 0 (timeout / 2)
            BootstrapDelay = dice.OneOf [| 0; 50; 300 |]
            ForwardTimeout = dice.OneOf [| 20; 100; 400 |]
            QueryTimeout = 400
            MaxVoters = voters
            FoundingMembers = if dice.Chance 150 then 1 else min size voters
            RemovalDelay = timeout * dice.OneOf [| 2; 4; 10; 1_000 |]
            EntriesPerAppendMax = extreme 1 64
            EntriesInFlightMax = extreme (dice.OneOf [| 1; 3 |]) 256
            BytesPerAppendMax = extreme 1 65_536
            BytesInFlightMax = extreme 64 1_048_576
            EntriesUncommittedMax = extreme (dice.OneOf [| 1; 2; 5 |]) 1_024 }

    let private network (dice: Dice) =
        let sometimes (choices: int[]) =
            if dice.Chance 500 then dice.OneOf choices else 0
        { DelayMin = 50
          DelayMax = dice.OneOf [| 500; 3_000; 20_000; 100_000 |]
          TailPerMille = sometimes [| 5; 30 |]
          LossPerMille = sometimes [| 5; 50; 200 |]
          RepeatPerMille = sometimes [| 10; 100 |]
          IsOrdered = dice.Chance 400 }

    let private runtime (dice: Dice) =
        { GatherPerMille = dice.OneOf [| 0; 300; 900 |]
          GatherMax = dice.OneOf [| 100; 3_000 |]
          DiskMax = dice.OneOf [| 0; 1_000; 10_000; 80_000; 300_000 |]
          ApplyMax = dice.OneOf [| 0; 2_000; 8_000; 60_000 |]
          ApplyChunk = dice.OneOf [| 1; 5; 1_000 |]
          SnapshotEvery = 0
          // Else all logs begin alike, and no leader has what another has forgotten.
          SnapshotlessPerMille = 300
          SnapshotDamagePerMille = 10
          // Crashes seldom fall there by themselves.
          SnapshotCrashPerMille = 300
          SnapshotKept = 0 }

    /// Half of the runs never forget anything: compaction hides members that are stuck.
    let private withSnapshots (dice: Dice) (plan: Plan) =
        if dice.Chance 500 then
            plan
        else
            { plan with
                Runtime =
                    { plan.Runtime with
                        SnapshotEvery = dice.OneOf [| 1; 3; 10; 40 |]
                        SnapshotKept = dice.OneOf [| 0; 0; 2; 20 |] }
                // A snapshot in single bytes would outlast the run.
                Consensus =
                    { plan.Consensus with BytesPerAppendMax = max 128 plan.Consensus.BytesPerAppendMax } }

    let private peer (dice: Dice) (isTame: bool) (number: int) (faultyFor: int) lateness =
        let kind = if isTame || number = 1 then 999 else dice.Below 1_000
        { Preference =
            if kind < 60 then
                { Preference = LeadershipPreference.Observer; Factor = 1 }
            elif kind < 140 then
                { Preference = LeadershipPreference.Reluctant; Factor = 3 }
            else
                NodePreference.normal
          StartsAt =
            if number > 1 && dice.Chance lateness then
                dice.Below faultyFor
            else
                dice.Below 3
          Drift = if dice.Chance 300 then dice.Between(-50, 50) else 0 }

    let private rates (dice: Dice) : FaultRates =
        let sometimes (choices: int[]) =
            if dice.Chance 500 then dice.OneOf choices else 0
        { Partitions = sometimes [| 150; 400; 1_200 |]
          Crashes = sometimes [| 200; 500; 1_500 |]
          WipesPerMille = sometimes [| 150; 500 |]
          Pauses = sometimes [| 400; 1_200 |]
          Disks = sometimes [| 300; 1_000 |]
          Losses = sometimes [| 800; 2_000 |]
          Links = sometimes [| 100; 600 |]
          Clocks = sometimes [| 500 |]
          Leaves = sometimes [| 1_500 |]
          Intruders = sometimes [| 500 |]
          HandOvers = sometimes [| 300; 1_000 |] }

    /// Some runs have few faults, so that more happens between them.
    let private milder (dice: Dice) (rates: FaultRates) =
        let factor = if dice.Chance 300 then 4 else 1
        { rates with
            Partitions = rates.Partitions * factor
            Crashes = rates.Crashes * factor
            Pauses = rates.Pauses * factor
            Disks = rates.Disks * factor
            Losses = rates.Losses * factor
            Links = rates.Links * factor }

    let private partition (dice: Dice) (size: int) =
        let any () = dice.Between(1, size)
        match dice.Below 9 with
        | 0 -> FaultKind.Isolate(any (), true, true)
        | 1 -> FaultKind.Isolate(any (), dice.Chance 500, true)
        | 2
        | 3 -> FaultKind.IsolateLeader(dice.Chance 500)
        | 4
        | 5 -> FaultKind.Split(dice.Below(1 <<< (size + 1)))
        | 6 -> FaultKind.Ring
        | 7 -> FaultKind.Bridge(any (), dice.Below(1 <<< (size + 1)))
        | _ -> FaultKind.CutWay(any (), any ())

    let private link (dice: Dice) (size: int) =
        let any () = dice.Between(1, size)
        match dice.Below 7 with
        | 0 -> FaultKind.Flap(any (), any (), dice.OneOf [| 20; 100; 300 |])
        | 1
        | 2 -> FaultKind.ResetLinks(any ())
        | 3 -> FaultKind.Clog
        | 4 -> FaultKind.LoseKind(LanguagePrimitives.EnumOfValue(dice.Below 7))
        | 5 -> FaultKind.SlowNetwork(dice.Between(2, 8))
        | _ -> FaultKind.CutPair(any (), any ())

    let private pauseOf (dice: Dice) size =
        if dice.Chance 500 then
            FaultKind.PauseLeader
        else
            FaultKind.Pause(dice.Between(1, size))

    let private disk (dice: Dice) size =
        match dice.Below 5 with
        | 0
        | 1 -> FaultKind.StallLeaderDisk
        | 2
        | 3 -> FaultKind.StallDisk(dice.Between(1, size))
        | _ -> FaultKind.FillDisk(dice.Between(1, size))

    let private loss (dice: Dice) size =
        if dice.Chance 500 then
            FaultKind.Corrupt(dice.Between(1, size))
        else
            FaultKind.LoseAcknowledged(dice.Between(1, size))

    let private leave (dice: Dice) size =
        if dice.Chance 200 then
            FaultKind.LeaveMany(dice.Below(1 <<< (size + 1)))
        else
            FaultKind.Leave(dice.Between(1, size))

    let private crash (dice: Dice) size wipes =
        if dice.Chance 80 then
            FaultKind.CrashAll
        else
            FaultKind.Crash(dice.Between(1, size), dice.Chance wipes)

    /// Every fault of a run, in the order in which they begin.
    let private faults
        (dice: Dice)
        (rates: FaultRates)
        (size: int)
        (timeout: int)
        (faultyFor: int)
        : Fault[] =
        let every (rate: int) (longest: int) (make: unit -> FaultKind) =
            [ if rate > 0 then
                  let mutable at = 1 + dice.Below(2 * rate)
                  while at < faultyFor do
                      { Number = 0; At = at; Lasts = 1 + dice.Below longest; Kind = make () }
                      at <- at + 1 + dice.Below(2 * rate) ]
        List.concat
            [ every rates.Partitions (4 * timeout) (fun () -> partition dice size)
              every rates.Links (3 * timeout) (fun () -> link dice size)
              every rates.Crashes (6 * timeout) (fun () -> crash dice size rates.WipesPerMille)
              every rates.Pauses (5 * timeout) (fun () -> pauseOf dice size)
              every rates.Disks (5 * timeout) (fun () -> disk dice size)
              every rates.Losses 400 (fun () -> loss dice size)
              every rates.Clocks 1_000 (fun () ->
                  FaultKind.JumpWallClock(
                      dice.Between(1, size),
                      int64 (dice.OneOf [| -86_400_000; -3_000; 3_000; 86_400_000 |])
                  ))
              every rates.Leaves 500 (fun () -> leave dice size)
              every rates.HandOvers 1 (fun () ->
                  FaultKind.HandOver(dice.Between(1, size), dice.Between(1, size)))
              every rates.Intruders 1 (fun () -> FaultKind.Intrude(dice.Between(1, size))) ]
        |> List.sortBy (fun fault -> fault.At)
        |> List.mapi (fun number fault -> { fault with Number = number })
        |> Array.ofList

    let private calls (dice: Dice) (size: int) (every: int) (faultyFor: int) : Call[] =
        [| let mutable at = dice.Below(2 * every)
           let mutable number = 0
           while at < faultyFor do
               let kind =
                   match dice.Below 20 with
                   | 0
                   | 1
                   | 2
                   | 3
                   | 4 -> CallKind.StrongRead
                   | 5 -> CallKind.WeakRead
                   | 6
                   | 7 -> CallKind.Execute(dice.Between(2, 5))
                   | _ -> CallKind.Execute 1
               { Number = number
                 At = at
                 Peer = dice.Between(1, size)
                 Kind = kind
                 // Some give up at once: a cancelled call.
                 Patience = dice.OneOf [| 1; 60; 400; 400; 1_500 |] }
               number <- number + 1
               at <- at + 1 + dice.Below(2 * every) |]

    /// What a profile makes of the usual rates, sizes and knobs.
    type private Strain =
        {
            Rates: FaultRates -> FaultRates
            Consensus: ConsensusConfig -> ConsensusConfig
            Network: NetworkHabits -> NetworkHabits
            /// Peers in a thousand that start late, when there is no more to it.
            Lateness: int
            /// Runs in a thousand whose groups are founded by few, and may shrink to as few.
            FoundedByFew: int
            IsTame: bool
        }

    let private usual =
        { Rates = id; Consensus = id; Network = id; Lateness = 0; FoundedByFew = 0; IsTame = false }

    let private atMost (limit: int) (value: int) =
        if value = 0 then limit else min limit value

    let private strains: Map<string, Strain> =
        let entryByEntry (config: ConsensusConfig) = { config with EntriesPerAppendMax = 1 }
        let lossy (habits: NetworkHabits) =
            { habits with
                LossPerMille = max 20 habits.LossPerMille
                RepeatPerMille = max 20 habits.RepeatPerMille
                IsOrdered = false }
        Map
            [ "swarm", usual
              "elections",
              { usual with
                  Rates =
                      fun rates ->
                          { rates with
                              Partitions = atMost 200 rates.Partitions
                              Pauses = atMost 400 rates.Pauses } }
              "crashes", { usual with Rates = fun rates -> { rates with Crashes = atMost 200 rates.Crashes } }
              "entries",
              { usual with
                  Consensus = entryByEntry
                  Network = lossy
                  Rates = fun rates -> { rates with Crashes = atMost 500 rates.Crashes } }
              "network",
              { usual with
                  Network = lossy
                  Rates =
                      fun rates ->
                          { rates with
                              Partitions = atMost 400 rates.Partitions
                              Links = atMost 100 rates.Links } }
              "disks",
              { usual with
                  Rates =
                      fun rates ->
                          { rates with
                              Disks = atMost 300 rates.Disks
                              Losses = atMost 800 rates.Losses
                              Crashes = atMost 500 rates.Crashes
                              WipesPerMille = max 200 rates.WipesPerMille } }
              "founding",
              { usual with
                  Consensus = fun config -> { config with FoundingMembers = 1; BootstrapDelay = 50 }
                  Rates =
                      fun rates ->
                          { rates with
                              Partitions = atMost 150 rates.Partitions
                              WipesPerMille = max 150 rates.WipesPerMille } }
              "membership",
              { usual with
                  Lateness = 300
                  FoundedByFew = 700
                  // Else nobody is ever replaced within a run.
                  Consensus =
                      fun config ->
                          { config with RemovalDelay = min config.RemovalDelay (4 * config.ElectionTimeout) }
                  Rates =
                      fun rates ->
                          { rates with
                              Partitions = atMost 400 rates.Partitions
                              Crashes = atMost 400 rates.Crashes
                              WipesPerMille = max 400 rates.WipesPerMille
                              Leaves = atMost 250 rates.Leaves
                              HandOvers = atMost 300 rates.HandOvers } }
              "quiet",
              { usual with
                  IsTame = true
                  Network =
                      fun habits -> { habits with LossPerMille = 0; RepeatPerMille = 0; DelayMax = 3_000 }
                  Rates =
                      fun _ ->
                          { Partitions = 0
                            Crashes = 0
                            WipesPerMille = 0
                            Pauses = 0
                            Disks = 0
                            Losses = 0
                            Links = 0
                            Clocks = 0
                            Leaves = 0
                            Intruders = 0
                            HandOvers = 0 } } ]

    /// The names of all profiles.
    let names = strains |> Map.toList |> List.map fst

    let private make (name: string) (strain: Strain) (sizeOf: (Dice -> int)) (seed: uint64) : Plan =
        let dice = Dice.For(seed, Purpose.Plan)
        let size = sizeOf dice
        let consensus = consensus dice size |> strain.Consensus
        let faultyFor = dice.OneOf [| 1_500; 3_000; 6_000 |]
        let lateness =
            if dice.Chance 500 then
                dice.OneOf [| 200; 500 |]
            else
                strain.Lateness
        let peers = Array.init size (fun place -> peer dice strain.IsTame (place + 1) faultyFor lateness)
        // Observers found nothing: with too few others, nobody would.
        let founders =
            peers
            |> Array.filter (fun peer -> peer.Preference.Preference <> LeadershipPreference.Observer)
            |> Array.length
        let least =
            if strain.FoundedByFew > 0 && dice.Chance strain.FoundedByFew then
                dice.Between(1, (size + 1) / 2)
            else
                size
        let consensus =
            { consensus with FoundingMembers = min least (min founders consensus.FoundingMembers) }
        let rates = rates dice |> strain.Rates |> milder dice
        { Seed = seed
          Profile = name
          Peers = peers
          Consensus = consensus
          Network = network dice |> strain.Network
          Runtime = runtime dice
          IsShuffled = dice.Chance 500
          FaultyFor = faultyFor
          Faults = faults dice rates size consensus.ElectionTimeout faultyFor
          Calls = calls dice size (dice.OneOf [| 3; 15; 60 |]) faultyFor }
        |> withSnapshots dice

    let private planWith (sizeOf: string -> Dice -> int) (name: string) (seed: uint64) : Plan voption =
        match strains.TryFind name with
        | Some _ when name = "swarm" ->
            let turns =
                [| "swarm"; "elections"; "crashes"; "entries"; "network"; "disks"; "founding"; "membership" |]
            let turn = turns[int (seed % uint64 turns.Length)]
            ValueSome(make name strains[turn] (sizeOf turn) seed)
        | Some strain -> ValueSome(make name strain (sizeOf name) seed)
        | None -> ValueNone

    /// The plan that a seed stands for in a profile; none when there is no such profile. The swarm takes the other
    /// profiles by turns, since each finds what the others seldom do.
    let plan (name: string) (seed: uint64) : Plan voption =
        let sizeOf (turn: string) (dice: Dice) =
            dice.OneOf(if turn = "membership" then membershipSizes else sizes)
        planWith sizeOf name seed

    /// As `plan`, with so many peers, whatever the seed would have.
    let planOfSize (name: string) (size: int) (seed: uint64) : Plan voption =
        planWith (fun _ _ -> size) name seed
