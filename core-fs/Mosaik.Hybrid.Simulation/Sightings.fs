namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What a step of a member shows of the interesting states of consensus.
[<RequireQualifiedAccess>]
module Sightings =

    /// Entries that are read from others than the leader.
    let private ofReading (coverage: Coverage) (before: State) (after: State) =
        match before.Follow.Fetching, after.Follow.Fetching with
        | ValueSome fetching, ValueNone when after.Follow.Verified >= fetching.Plan.UpTo ->
            coverage.Meet Sight.CaughtUpFromOthers
        | ValueSome former, ValueSome current when current.Sources.Length < former.Sources.Length ->
            coverage.Meet Sight.SourceRefused
        | _, _ -> ()

    let private ofProgress (coverage: Coverage) (former: LeaderState) (current: LeaderState) =
        for pair in former.Progress do
            match pair.Value.Mode, current.Progress.TryFind pair.Key with
            | ReplicationMode.CatchUp _, Some progress when progress.CatchUpAfter <> pair.Value.CatchUpAfter ->
                coverage.Meet Sight.CatchUpGivenUp
            | _, _ -> ()

    /// Compares a member before and after one step.
    let ofStep (coverage: Coverage) (before: State) (after: State) =
        match before.Role, after.Role with
        | Role.Leader former, Role.Leader current ->
            if after.CommitIndex < current.TermStart && not current.ReadsWaiting.IsEmpty then
                coverage.Meet Sight.ReadHeldForFirstEntry
            ofProgress coverage former current
            if former.TermStart <> current.TermStart then
                coverage.Meet Sight.LeaderOfLaterTerm
        | Role.Leader _, Role.Follower when after.DiskStalled && not before.DiskStalled ->
            coverage.Meet Sight.SteppedDownForDisk
        | Role.Leader _, Role.Follower when before.CurrentTerm = after.CurrentTerm ->
            coverage.Meet Sight.CheckQuorumStepDown
        | Role.Candidate _, Role.Follower when before.CurrentTerm = after.CurrentTerm ->
            coverage.Meet Sight.SplitVote
        | Role.Follower, Role.Follower -> ofReading coverage before after
        | Role.Founder _, Role.Follower -> coverage.Meet Sight.FoundingBallotSplit
        | (Role.Follower | Role.PreCandidate _ | Role.Candidate _ | Role.Founder _ | Role.Leader _), _ -> ()

    /// A vote request that is refused, and why.
    let ofRefusal
        (coverage: Coverage)
        (config: NodeConfig)
        (clock: Clock)
        (request: RequestVote)
        (state: State)
        =
        if Election.hearsLeader config clock state then
            coverage.Meet Sight.VoteRefusedForLeader
        elif not (Election.isUpToDate request.Last state) then
            coverage.Meet Sight.VoteRefusedForLog
            if
                request.Term > state.CurrentTerm
                && request.Last.Index < state.Outline.Last.Index
            then
                coverage.Meet Sight.HigherTermWithShorterLog

    /// A message that came to a member, before the member looks at it.
    let ofMessage (coverage: Coverage) config clock (message: Message) (state: State) =
        match message with
        | Message.RequestVote request -> ofRefusal coverage config clock request state
        | Message.AppendEntriesReply reply ->
            match state.Role, reply.Outcome with
            | Role.Leader leading, _ when
                reply.Term < state.CurrentTerm
                || leading.Progress
                   |> Map.forall (fun _ progress -> progress.Session <> reply.Session)
                ->
                coverage.Meet Sight.LateReplyIgnored
            | Role.Leader _, AppendOutcome.Rejected _ -> coverage.Meet Sight.AppendRejected
            | _, _ -> ()
        | Message.ForwardReply { Outcome = ForwardOutcome.Missing _ } -> coverage.Meet Sight.ForwardMissing
        | Message.ForwardReply { Outcome = ForwardOutcome.Overloaded } ->
            coverage.Meet Sight.ForwardOverloaded
        | Message.InstallSnapshot(_, snapshot, chunk) ->
            if chunk.Data.IsEmpty then
                coverage.Meet Sight.SnapshotOffered
            elif int64 chunk.Data.Length < snapshot.Length then
                coverage.Meet Sight.SnapshotInParts
        | Message.ForwardReply _
        | Message.RequestVoteReply _
        | Message.AppendEntries _
        | Message.ReadIndex _
        | Message.ReadIndexReply _
        | Message.Forward _
        | Message.CatchUp _
        | Message.FetchEntries _
        | Message.FetchedEntries _
        | Message.Survey _
        | Message.SurveyReply _
        | Message.TimeoutNow _
        | Message.HandOver _
        | Message.Depart _
        | Message.Departed _ -> ()

    /// A process has ended while so many writes were on their way, of which so many have reached the disk.
    let ofCrash (coverage: Coverage) (onTheirWay: int) (kept: int) =
        coverage.Meet Sight.CrashWithWritesOnTheirWay
        coverage.Meet(
            if kept < onTheirWay then
                Sight.WriteLostInCrash
            else
                Sight.WriteKeptInCrash
        )

    /// What comes to a member from its own runtime, before the member looks at it.
    let ofInput (coverage: Coverage) (input: GroupInput) (state: State) =
        match input with
        | GroupInput.SnapshotReceived({ Position = position }, _, _) when
            position.Index <= state.CommitIndex
            || LogOutline.termAt position.Index state.Outline = ValueSome position.Term
            ->
            coverage.Meet Sight.SnapshotNotNeeded
        | _ -> ()
