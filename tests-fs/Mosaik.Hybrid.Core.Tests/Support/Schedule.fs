namespace Mosaik.Hybrid.Core.Tests.Support

open Mosaik.Hybrid.Core

/// What a run of a whole cluster is made of: all of it follows from the seed. Each fault is off in half of the
/// runs, and knobs stand at their extremes in half of them: that finds more than moderate settings do.
type Schedule =
    {
        Seed: uint64
        /// How many peers there are; some may come late.
        Size: int
        Consensus: ConsensusConfig
        /// Milliseconds with faults; then everything heals.
        Faulty: int
        /// Messages in a thousand that are lost, and that come twice.
        DropPerMille: int
        RepeatPerMille: int
        /// The longest way of a message, and of a write to the disk, in milliseconds.
        DelayMax: int
        DiskMax: int
        /// Milliseconds between two faults of the kind; 0 for none.
        PartitionEvery: int
        CrashEvery: int
        /// Crashes in a thousand that lose the disk too, if the committee survives it.
        WipePerMille: int
        /// Milliseconds between two calls of clients.
        CallEvery: int
        /// Peers that start late, in a thousand.
        LatePerMille: int
    }

[<RequireQualifiedAccess>]
module Schedule =

    let private sizes = [| 1; 1; 2; 2; 3; 3; 3; 3; 3; 4; 5; 5; 5 |]

    let private knobs (dice: Dice) (size: int) =
        let extreme low usual = if dice.Chance 500 then low else usual
        let timeout = dice.OneOf [| 100; 150; 300 |]
        let voters = if dice.Chance 250 then dice.Between(1, size) else 5
        { ConsensusConfig.defaults with
            HeartbeatInterval = max 1 (timeout / dice.OneOf [| 2; 5; 10 |])
            HeartbeatJitter = 0
            ElectionTimeout = timeout
            ElectionTimeoutJitter = extreme 0 (timeout / 2)
            BootstrapDelay = dice.OneOf [| 0; 50; 300 |]
            ForwardTimeout = dice.OneOf [| 20; 100; 400 |]
            QueryTimeout = 400
            MaxVoters = voters
            FoundingMembers = if dice.Chance 300 then 1 else min size voters
            EntriesPerAppendMax = extreme 1 64
            EntriesInFlightMax = extreme (dice.OneOf [| 1; 3 |]) 256
            BytesPerAppendMax = extreme 1 65_536
            BytesInFlightMax = extreme 64 1_048_576
            EntriesUncommittedMax = extreme (dice.OneOf [| 1; 2; 5 |]) 1_024 }

    let private plain (seed: uint64) : Schedule =
        let dice = Dice(seed * 0x9E3779B97F4A7C15UL + 1UL)
        let size = dice.OneOf sizes
        let sometimes (choices: int[]) =
            if dice.Chance 500 then dice.OneOf choices else 0
        { Seed = seed
          Size = size
          Consensus = knobs dice size
          Faulty = dice.OneOf [| 1_500; 3_000; 6_000 |]
          DropPerMille = sometimes [| 5; 50; 200 |]
          RepeatPerMille = sometimes [| 10; 100 |]
          DelayMax = dice.OneOf [| 1; 5; 20; 120 |]
          DiskMax = dice.OneOf [| 0; 2; 10; 80; 400 |]
          PartitionEvery = sometimes [| 150; 400; 1_200 |]
          CrashEvery = sometimes [| 200; 500; 1_500 |]
          WipePerMille = sometimes [| 150; 500 |]
          CallEvery = dice.OneOf [| 3; 15; 60 |]
          LatePerMille = sometimes [| 200; 500 |] }

    /// What a schedule is to strain most. Part of the seed, so that a seed alone repeats a run.
    let strains: (Schedule -> Schedule)[] =
        let partitioned (schedule: Schedule) =
            { schedule with PartitionEvery = max 150 schedule.PartitionEvery }
        let crashing (schedule: Schedule) =
            { schedule with CrashEvery = max 200 schedule.CrashEvery }
        let entryByEntry (schedule: Schedule) =
            { schedule with Consensus = { schedule.Consensus with EntriesPerAppendMax = 1 } }
        let lossy (schedule: Schedule) =
            { schedule with
                DropPerMille = max 20 schedule.DropPerMille
                RepeatPerMille = max 20 schedule.RepeatPerMille }
        let wiping (schedule: Schedule) =
            { crashing schedule with WipePerMille = max 300 schedule.WipePerMille }
        [| partitioned
           crashing
           entryByEntry >> lossy
           entryByEntry >> crashing
           lossy >> partitioned
           wiping
           id |]

    /// The schedule that a seed stands for.
    let ofSeed (seed: uint64) : Schedule =
        plain seed |> strains[int (seed % uint64 strains.Length)]
