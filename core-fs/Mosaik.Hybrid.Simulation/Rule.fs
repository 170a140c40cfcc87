namespace Mosaik.Hybrid.Simulation

/// A rule that every run is held to.
type Rule =
    {
        /// How it is called.
        Name: string
        /// What it says.
        Sentence: string
    }

/// A rule did not hold, and what showed it. Ends a run; never leaves `Simulation.run`.
exception RuleBroken of rule: Rule * evidence: string

/// The rules. Their names are those of the Raft paper's Figure 3 where it has them.
[<RequireQualifiedAccess>]
module Rules =

    let private rule name sentence = { Name = name; Sentence = sentence }

    let electionSafety =
        rule "Election Safety" "At most one member ever leads in one lineage and term (Raft Figure 3)."

    let leaderAppendOnly =
        rule "Leader Append-Only" "A leader never removes or replaces an entry of its log (Raft Figure 3)."

    let logMatching =
        rule
            "Log Matching"
            "Two logs of a lineage that hold the same index and term are equal up to there (Raft Figure 3)."

    let leaderCompleteness =
        rule
            "Leader Completeness"
            "An entry committed in a term is in the log of every leader of a later term (Raft Figure 3)."

    let stateMachineSafety =
        rule
            "State Machine Safety"
            "No two members commit or apply different entries at one index, and none skips one (Raft Figure 3)."

    let monotonic =
        rule
            "Monotonic"
            "Term, commit index and applied index of a member, and the time in a log, never go back, across restarts too."

    let oneVote = rule "One vote a term" "A member gives one vote or founding ballot in a term (rule 5)."

    let durableFirst =
        rule
            "Durable before the word leaves"
            "A vote or an acknowledgement leaves when what it promises is on the disk (rules 2 and 3)."

    let committedOnQuorum =
        rule
            "Committed on a quorum"
            "What a leader commits is durable at a majority of the voters in force in its log (rules 1 and 3)."

    let quorumIntersection =
        rule
            "Quorum intersection"
            "Of two configurations in succession every majority of one meets every majority of the other."

    let committeeTruth =
        rule
            "Committee truth"
            "Elections and reads are decided by voters of the configuration in force, of exactly their incarnation."

    let exactlyOnce =
        rule
            "Exactly once, in order"
            "The commands of a proposer take effect as 1, 2, 3, ..., batches whole and contiguous (rules 9 and 10)."

    let successIsCommitted =
        rule
            "Success is committed"
            "A call that succeeded is in the committed log, at the index that it was told, exactly as it was submitted."

    let linearizable =
        rule
            "Linearizability"
            "Commands and strong reads take effect at one moment between call and answer (rule 8)."

    let weakReads =
        rule "Weak reads" "What a member answers weakly is a committed state, and never an older one."

    let lineageSeparation = rule "Lineage separation" "No log ever holds entries of two lineages (rule 13)."

    let oneLineage = rule "One lineage" "Two lineages commit only where two founding quorums have room."

    let stateDigest =
        rule "State digest" "Machines at the same index of a lineage are in the same state (rule 18)."

    let snapshotTruth =
        rule
            "Snapshot truth"
            "A snapshot holds what was committed, and whose; a log forgets only what a durable one stands for (Raft §7)."

    let bounds = rule "Bounds" "Every message, window and queue stays within its configured limit."

    let bonds =
        rule
            "Bonds"
            "A member has at most one bond to a peer, and none to who has no proof, or belongs to another lineage."

    let noFalseAlarm =
        rule
            "No false alarm"
            "Members that keep the rules neither halt, nor are blamed for breaking the protocol."

    let stepContract =
        rule "Step contract" "Each message changes the state as the paper says, and not otherwise."

    let liveness =
        rule
            "Liveness"
            "When faults have ended and a majority is up: a leader soon, every call ends, every member catches up."

    let quiet =
        rule "Quiet" "A group at rest holds no elections (rule 5), and sends nothing but heartbeats."

    let termination = rule "Termination" "A member always has a next deadline, and never spins on one."

    let determinism = rule "Determinism" "The same plan makes the same run, event for event."

    let plugin =
        rule "Store under test" "A store gives back what its completed writes made durable, and nothing else."

    let machine =
        rule "Machine under test" "A machine applies and answers alike on every member, and never throws."

    let codec =
        rule "Codec under test" "A codec gives back the command that it was given, and never throws."

    /// Every rule, in the order in which a reader looks for them.
    let all =
        [ electionSafety
          leaderAppendOnly
          logMatching
          leaderCompleteness
          stateMachineSafety
          monotonic
          oneVote
          durableFirst
          committedOnQuorum
          quorumIntersection
          committeeTruth
          exactlyOnce
          successIsCommitted
          linearizable
          weakReads
          lineageSeparation
          oneLineage
          stateDigest
          snapshotTruth
          bounds
          bonds
          noFalseAlarm
          stepContract
          liveness
          quiet
          termination
          determinism
          plugin
          machine
          codec ]

    let break' (rule: Rule) (evidence: string) : 'any = raise (RuleBroken(rule, evidence))
