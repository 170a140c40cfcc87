namespace Mosaik.Hybrid.Simulation

/// Something that a run should meet now and then: a simulator that no longer does is blind, and must say so.
type Sight =
    | LeaderElected = 0
    | LeaderOfLaterTerm = 1
    | TwoLeadersAtOnce = 2
    | SplitVote = 3
    | VoteRefusedForLog = 4
    | VoteRefusedForLeader = 5
    | CheckQuorumStepDown = 6
    | SuffixTruncated = 7
    | EntryOfFormerTermCommitted = 8
    | AppendRejected = 9
    | LateReplyIgnored = 10
    | HigherTermWithShorterLog = 11
    | ReadHeldForFirstEntry = 12
    | StrongReadAtLeader = 13
    | StrongReadAtFollower = 14
    | WeakRead = 15
    | ReadGivenUp = 16
    | CallSucceeded = 17
    | CallOutcomeUnknown = 18
    | CallRefused = 19
    | RepeatDropped = 20
    | GapDropped = 21
    | BatchApplied = 22
    | BatchCut = 23
    | ForwardMissing = 24
    | ForwardOverloaded = 25
    | CrashWithWritesOnTheirWay = 26
    | WriteLostInCrash = 27
    | WriteKeptInCrash = 28
    | WriteTorn = 29
    | DiskStalled = 30
    | LeaderWithStalledDisk = 31
    | DiskFull = 32
    | CorruptionFound = 33
    | AcknowledgedSuffixLost = 34
    | DiskWiped = 35
    | Paused = 36
    | WallClockJumped = 37
    | Partitioned = 38
    | OneWayCut = 39
    | LinkReset = 40
    | MessageLost = 41
    | MessageRepeated = 42
    | MessageOvertaken = 43
    | BondTimedOut = 44
    | DuplicateBondRefused = 45
    | WrongProofRefused = 46
    | LeftInGoodOrder = 47
    | LineageFounded = 48
    | FoundingBallotSplit = 49
    | FoundingAbandoned = 50
    | LineagesInConflict = 51
    | LearnerAdmitted = 52
    | ObserverAdmitted = 53
    | CommittedAlone = 54
    | CommittedByTwo = 55
    | CommittedByFour = 56
    | CoreOnlyLiveness = 57
    | RanWithSmallestLimits = 58
    | SnapshotTaken = 59
    | LogCompacted = 60
    | SnapshotOffered = 61
    /// Sent in several parts.
    | SnapshotInParts = 62
    /// Went on where an attempt had broken off.
    | SnapshotResumed = 63
    | SnapshotInstalled = 64
    /// Came whole when the log had come so far by itself.
    | SnapshotNotNeeded = 65
    /// Bytes of a received one became others: its checksum does not hold.
    | SnapshotDamaged = 66
    | RestartedFromSnapshot = 67
    /// A crash fell between a received snapshot and the log's new beginning.
    | SnapshotAheadOfLog = 68
    | SteppedDownForDisk = 69
    /// A client history that nobody could judge: not to be met often.
    | HistoryTooTangled = 70
    | JointEntered = 71
    | JointLeft = 72
    | JointLeftByLaterLeader = 73
    | LeaderLostInJoint = 74
    | RestartedInJoint = 75
    /// A follower's configuration was overwritten by another leader's.
    | ConfigurationTruncated = 76
    | VoterPromoted = 77
    | VoterReplaced = 78
    /// More than two at once.
    | SeveralVotersChanged = 79
    | VoterRemovedAsSilent = 80
    | OldLifeReplaced = 81
    | LeaverRemoved = 82
    /// A leader that its own configuration does not name any more has stepped down.
    | LeaderRemoved = 83
    | LeadershipHandedOver = 84
    | HandOverFailed = 85
    /// A leader has told a member that nothing holds it any more.
    | DepartureAnswered = 86
    | DepartureTimedOut = 87
    /// Nobody was there to decide, or it was no member.
    | DepartureUnneeded = 88
    | StrangersMet = 89
    | LineageDissolved = 90
    | BarrenLineageGivenUp = 91
    /// A disk was lost at the moment when its owner became indispensable: not to be met often.
    | CommitteeLost = 92
    /// A long gap was read from other members than the leader.
    | CaughtUpFromOthers = 93
    /// Nobody gave it: the leader did so itself.
    | CatchUpGivenUp = 94
    /// A member that was asked for entries had none, or not in time.
    | SourceRefused = 95

/// How seldom a sight may be met before the simulator must be taken for blind.
[<RequireQualifiedAccess>]
module Sight =

    /// One of so many runs of the swarm must meet it at least once; 0 for no such demand.
    let runsPer (sight: Sight) : int64 =
        match sight with
        // The leader takes no gaps: only a broken one lets them into the log.
        | Sight.GapDropped
        // Once in a thousand runs: the leader must change in the middle of a transfer, to one that has the entries.
        | Sight.SnapshotNotNeeded
        | Sight.CommitteeLost
        | Sight.HistoryTooTangled
        // A voter that was taken for lost must come back, and be elected, in the middle of its removal.
        | Sight.LeaderRemoved -> 0L
        | Sight.SplitVote
        | Sight.BatchCut
        | Sight.FoundingAbandoned
        | Sight.LineagesInConflict
        | Sight.AcknowledgedSuffixLost
        | Sight.SnapshotDamaged
        | Sight.SnapshotAheadOfLog
        | Sight.LineageDissolved
        | Sight.BarrenLineageGivenUp
        | Sight.ConfigurationTruncated
        | Sight.JointLeftByLaterLeader
        | Sight.LeaderLostInJoint
        | Sight.RestartedInJoint -> 500L
        | Sight.CatchUpGivenUp
        | Sight.SourceRefused
        | Sight.VoterReplaced
        | Sight.SeveralVotersChanged
        | Sight.VoterRemovedAsSilent
        | Sight.OldLifeReplaced
        | Sight.DepartureTimedOut
        | Sight.StrangersMet
        | Sight.HigherTermWithShorterLog
        | Sight.CorruptionFound
        | Sight.LateReplyIgnored
        | Sight.CommittedByFour
        | Sight.ObserverAdmitted
        | Sight.TwoLeadersAtOnce -> 100L
        | _ -> 25L

/// How often each sight was met.
[<Sealed>]
type Coverage() =

    static let sights = System.Enum.GetValues<Sight>()

    let counts: int64[] = Array.zeroCreate sights.Length

    /// Every sight that there is.
    static member Sights: Sight[] = sights

    member _.Meet(sight: Sight) =
        counts[int sight] <- counts[int sight] + 1L

    member _.Item(sight: Sight) = counts[int sight]

    /// Adds what another run met.
    member _.Add(other: Coverage) =
        for sight in sights do
            counts[int sight] <- counts[int sight] + other[sight]

    /// True when so many histories could not be judged that the checker must be taken for blind.
    member _.IsTooTangled(runs: int64) =
        counts[int Sight.HistoryTooTangled] > 5L + runs / 50L

    /// True when so many committees were lost that faults, and not chance, must have done it.
    member _.LosesCommittees(runs: int64) =
        counts[int Sight.CommitteeLost] > 5L + runs / 200L

    /// The sights that so many runs of the swarm should have met more often: how often they did, and should have.
    member _.Missing(runs: int64) : struct (Sight * int64 * int64) list =
        [ for sight in sights do
              let runsPer = Sight.runsPer sight
              let wanted = if runsPer = 0L then 0L else runs / runsPer
              if counts[int sight] < wanted then
                  struct (sight, counts[int sight], wanted) ]
