namespace Mosaik.Hybrid.Simulation

open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Members that were told they belong to no committed configuration any more, and have not started since: nothing that
/// is decided afterwards may need them.
[<Sealed>]
type DepartedMembers() =

    let departed = HashSet<MemberId>()

    /// A leader tells a member that it may go: what is committed is without it, and so is what the leader has since.
    member _.OnTold(leader: State, log: ChainedLog, leaver: MemberId) =
        let isIn (configuration: Configuration voption) =
            match configuration with
            | ValueSome configuration -> Configuration.isMember leaver configuration
            | ValueNone -> true
        if
            not (State.isLeader leader)
            || isIn (log.ConfigurationAt leader.CommitIndex)
            || isIn log.Configuration
        then
            Rules.break'
                Rules.committeeTruth
                $"{Naming.show leader.Self} lets {Naming.show leaver} go while it may be needed"

    /// It has heard so, in its own term.
    member _.Add(id: MemberId) = departed.Add id |> ignore

    /// Its process begins: who left is back.
    member _.Remove(id: MemberId) = departed.Remove id |> ignore

    /// A configuration is committed.
    member _.CheckCommitted(step: ObservedStep, index: LogIndex) =
        match step.Log.ConfigurationAt index with
        | ValueSome configuration ->
            for voter in Configuration.voters configuration do
                if departed.Contains voter then
                    Rules.break'
                        Rules.committeeTruth
                        $"{Naming.show step.Id} commits a configuration with {Naming.show voter}, which has left in good order"
        | ValueNone -> ()
