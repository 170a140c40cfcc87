namespace Mosaik.Hybrid.Simulation

open System.Globalization

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Plans in words, for people.
[<RequireQualifiedAccess>]
module PlanWords =

    let private onSide (sides: int) (size: int) (isSet: bool) =
        [ for peer in 1..size do
              if ((sides >>> peer) &&& 1 = 1) = isSet then
                  $"n{peer}" ]
        |> String.concat " "

    let private sides (sides: int) (size: int) =
        $"[{onSide sides size true}] and [{onSide sides size false}]"

    let private kind (kind: MessageKind) =
        match kind with
        | MessageKind.Votes -> "requests for votes"
        | MessageKind.VoteReplies -> "votes"
        | MessageKind.Appends -> "appends"
        | MessageKind.AppendReplies -> "acknowledgements"
        | MessageKind.Reads -> "read indexes"
        | MessageKind.Orders -> "words of leading and leaving"
        | _ -> "forwarded commands"

    /// What a fault does, in a cluster of so many peers.
    let fault (size: int) (what: FaultKind) =
        match what with
        | FaultKind.Isolate(peer, true, true) -> $"n{peer} is isolated"
        | FaultKind.Isolate(peer, true, false) -> $"n{peer} hears nobody"
        | FaultKind.Isolate(peer, false, _) -> $"nobody hears n{peer}"
        | FaultKind.IsolateLeader true -> "the leader is isolated"
        | FaultKind.IsolateLeader false -> "nobody hears the leader"
        | FaultKind.Split split -> $"the network is split into {sides split size}"
        | FaultKind.Ring -> "everybody hears only its neighbours in a ring"
        | FaultKind.Bridge(peer, split) -> $"only n{peer} hears both {sides split size}"
        | FaultKind.CutWay(from, towards) -> $"what n{from} sends to n{towards} is lost"
        | FaultKind.CutPair(left, right) -> $"n{left} and n{right} can't reach each other"
        | FaultKind.Flap(left, right, every) ->
            $"the link of n{left} and n{right} comes and goes every {every} ms"
        | FaultKind.ResetLinks peer -> $"all links of n{peer} break"
        | FaultKind.Clog -> "nothing arrives, then everything at once"
        | FaultKind.LoseKind lost -> $"all {kind lost} are lost"
        | FaultKind.SlowNetwork factor -> $"the network is {factor} times as slow"
        | FaultKind.Crash(peer, false) -> $"n{peer} crashes"
        | FaultKind.Crash(peer, true) -> $"n{peer} crashes, and loses its disk if the group can do without"
        | FaultKind.CrashAll -> "everybody crashes"
        | FaultKind.Pause peer -> $"n{peer} stands still"
        | FaultKind.PauseLeader -> "the leader stands still"
        | FaultKind.StallDisk peer -> $"the disk of n{peer} stalls"
        | FaultKind.StallLeaderDisk -> "the leader's disk stalls"
        | FaultKind.FillDisk peer -> $"the disk of n{peer} is full"
        | FaultKind.Corrupt peer -> $"an entry on the disk of n{peer} can't be read any more"
        | FaultKind.LoseAcknowledged peer -> $"the disk of n{peer} loses acknowledged entries"
        | FaultKind.JumpWallClock(peer, by) -> $"the wall clock of n{peer} jumps by {by} ms"
        | FaultKind.Leave peer -> $"n{peer} leaves in good order"
        | FaultKind.LeaveMany peers -> $"[{onSide peers size true}] leave in good order"
        | FaultKind.HandOver(peer, target) when peer = target -> $"n{peer} is asked to have the fittest lead"
        | FaultKind.HandOver(peer, target) -> $"n{peer} is asked to have n{target} lead"
        | FaultKind.Intrude peer -> $"somebody without the key comes to n{peer}"

    let private call (call: Call) =
        let what =
            match call.Kind with
            | CallKind.Execute 1 -> "executes a command"
            | CallKind.Execute count -> $"executes {count} commands as a batch"
            | CallKind.StrongRead -> "asks a strong query"
            | CallKind.WeakRead -> "asks a weak query"
        $"a client of n{call.Peer} {what}, and waits {call.Patience} ms"

    let private milliseconds (microseconds: int) =
        (float microseconds / 1_000.0).ToString("0.###", CultureInfo.InvariantCulture)

    let private perCent (perMille: int) =
        (float perMille / 10.0).ToString("0.#", CultureInfo.InvariantCulture) + " %"

    let private network (habits: NetworkHabits) =
        [ $"messages take {milliseconds habits.DelayMin} to {milliseconds habits.DelayMax} ms"
          if habits.TailPerMille > 0 then
              $"{perCent habits.TailPerMille} much longer"
          if habits.LossPerMille > 0 then
              $"{perCent habits.LossPerMille} are lost"
          if habits.RepeatPerMille > 0 then
              $"{perCent habits.RepeatPerMille} come twice"
          if not habits.IsOrdered then
              "they overtake each other" ]
        |> String.concat ", "

    let private peer (place: int) (habits: PeerHabits) =
        let what =
            [ match habits.Preference.Preference with
              | LeadershipPreference.Observer -> "is an observer"
              | LeadershipPreference.Reluctant -> "leads reluctantly"
              | _ -> ()
              if habits.StartsAt > 3 then
                  $"starts at {habits.StartsAt} ms"
              if habits.Drift <> 0 then
                  $"has a clock that is off by {perCent habits.Drift}" ]
        if what.IsEmpty then
            None
        else
            Some($"n{place + 1} " + String.concat " and " what)

    /// Size, knobs and habits in a few lines; then every fault and every call in the order of their moments.
    let describe (plan: Plan) : string list =
        let config = plan.Consensus
        let events =
            [ for fault' in plan.Faults do
                  struct (fault'.At, 0, $"{fault plan.Size fault'.Kind}, for {fault'.Lasts} ms")
              for call' in plan.Calls do
                  struct (call'.At, 1, call call') ]
            |> List.sortBy (fun (struct (at, order, _)) -> struct (at, order))
        [ $"{plan.Size} peers, {config.FoundingMembers} of them found the group, at most {config.MaxVoters} vote; "
          + $"who is silent for {config.RemovalDelay} ms is replaced; "
          + $"elections after {config.ElectionTimeout} to {config.ElectionTimeout + config.ElectionTimeoutJitter} ms, "
          + $"at most {config.EntriesPerAppendMax} entries an append and {config.EntriesInFlightMax} on their way"
          network plan.Network
          $"writes take up to {milliseconds plan.Runtime.DiskMax} ms, the machine pauses up to "
          + $"{milliseconds plan.Runtime.ApplyMax} ms after {plan.Runtime.ApplyChunk} entries"
          if plan.Runtime.SnapshotEvery > 0 then
              $"most take a snapshot after {plan.Runtime.SnapshotEvery} entries, {plan.Runtime.SnapshotKept} before it stay"
          yield! plan.Peers |> Seq.mapi peer |> Seq.choose id
          for struct (at, _, what) in events do
              $"at {at} ms: {what}"
          $"at {plan.FaultyFor} ms all faults end" ]
