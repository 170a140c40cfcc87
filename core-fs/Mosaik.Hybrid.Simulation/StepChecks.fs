namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Everything that one step of one member is held to, in one place.
[<RequireQualifiedAccess>]
module StepChecks =

    let private checkAcknowledgement
        (oracle: Oracle)
        (before: State)
        log
        (sender: MemberId)
        (message: Message)
        =
        match message, before.Role with
        | Message.AppendEntriesReply({ Outcome = AppendOutcome.Accepted upTo } & reply), Role.Leader leading when
            reply.Term = before.CurrentTerm
            ->
            match leading.Progress.TryFind sender with
            | Some progress when progress.Session = reply.Session ->
                oracle.OnAcknowledged(before, log, sender, upTo)
            | Some _
            | None -> ()
        | _, _ -> ()

    /// A step whose only input this was.
    let private ofOne oracle config (now: Clock) input (before: GroupState) (after: GroupState) outputs log =
        match input with
        | GroupInput.Received(link, BondMessage.Raft message) ->
            match before.Bonds.TryFind link with
            | Some { Theirs = ValueSome theirs; Phase = BondPhase.Bonded } ->
                StepContracts.onReceived config now theirs.Member message before.Raft after.Raft outputs
                StateContracts.onBallot now theirs.Member message before.Raft outputs
                checkAcknowledgement oracle before.Raft log theirs.Member message
            | Some _
            | None -> ()
        | GroupInput.Tick ->
            StateContracts.onTick config now before.Raft after.Raft log
            if after.Deadline <= now.Now then
                Rules.break'
                    Rules.termination
                    $"{Naming.show after.Raft.Self} spins: at {now.Now} it wants a tick at {after.Deadline}"
        | GroupInput.SnapshotReceived(snapshot, timestamp, _) ->
            StateContracts.onInstalled snapshot timestamp before.Raft after.Raft
        | _ -> ()

    /// Looks at a step: its inputs, the states around it, its outputs, and the writes that it asked for.
    let run
        oracle
        config
        now
        (inputs: GroupInput[])
        (before: GroupState)
        (after: GroupState)
        outputs
        log
        writes
        =
        if inputs.Length = 1 then
            ofOne oracle config now inputs[0] before after outputs log
        StateContracts.onDisk config now before.Raft after.Raft
        StateContracts.onStep config now before after outputs log writes
        MembershipContracts.onStep config now before after outputs log writes
        let self = after.Raft.Self
        Bounds.check self after
        if not (obj.ReferenceEquals(before.Links, after.Links)) then
            Bounds.checkBonds self after
