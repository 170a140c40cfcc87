namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// Whether a cluster without faults has come to rest as one group, and how long it may take.
[<RequireQualifiedAccess>]
module Rest =

    /// The longest that a member waits for an election, in milliseconds.
    let electionTimeoutMax (plan: Plan) =
        let factor = plan.Peers |> Array.map (fun peer -> max 1 peer.Preference.Factor) |> Array.max
        factor * (plan.Consensus.ElectionTimeout + plan.Consensus.ElectionTimeoutJitter)

    let private isBehind (leader: Node) (node: Node) =
        let name = Naming.show node.Id
        let last = leader.Log.Last
        let raft = node.Raft
        if raft.Lineage <> leader.Raft.Lineage then
            Some $"{name} has another lineage than the leader {Naming.show leader.Id}"
        elif node.Log.Last <> last || raft.CommitIndex <> last then
            Some $"{name} has committed {raft.CommitIndex} of {node.Log.Last}, the leader's last is {last}"
        elif node.Applier.Index <> last then
            Some $"{name} has applied {node.Applier.Index} of {last}"
        elif node.Disk.Log.Last <> last then
            Some $"{name} has {node.Disk.Log.Last} on its disk, the leader's last is {last}"
        elif node.Client.PendingCount > 0 then
            Some $"{name} has {node.Client.PendingCount} commands pending: {raft.Proposer}"
        elif node.Client.ReadCount > 0 then
            Some $"{name} has {node.Client.ReadCount} reads waiting: {raft.Reads}"
        elif raft.Departure.IsSome then
            Some $"{name} leaves"
        elif not raft.Online then
            Some $"{name} is not online"
        else
            None

    let private missesMember (leader: Node) (node: Node) =
        match State.configuration leader.Raft with
        | ValueSome configuration when Configuration.isMember node.Id configuration -> None
        | ValueSome _
        | ValueNone -> Some $"{Naming.show node.Id} is not in the configuration"

    /// Why these members are not at rest as one group yet; none when they are.
    let unrest (nodes: Node list) : string option =
        match nodes |> List.filter (fun node -> State.isLeader node.Raft) with
        | [ leader ] ->
            nodes
            |> List.tryPick (fun node ->
                match isBehind leader node with
                | Some reason -> Some reason
                | None -> missesMember leader node)
        | leaders -> Some $"{leaders.Length} leaders"

    let private preferenceOf (plan: Plan) (node: Node) =
        plan.Peers[node.Peer - 1].Preference.Preference

    /// Why the committee of these members, who are all there are, is not what the autopilot wants; none when it is.
    let imperfection (plan: Plan) (nodes: Node list) : string option =
        let leader = nodes |> List.find (fun node -> State.isLeader node.Raft)
        let willing =
            nodes
            |> List.filter (fun node -> preferenceOf plan node <> LeadershipPreference.Observer)
        let isThere (id: MemberId) =
            nodes |> List.exists (fun node -> node.Id.Equals id)
        match State.configuration leader.Raft with
        | ValueNone -> Some "the leader has no configuration"
        | ValueSome configuration ->
            let size = min plan.Consensus.MaxVoters willing.Length
            let names = configuration.Voters |> List.map Naming.show |> String.concat " "
            if Configuration.isJoint configuration then
                Some "the configuration is joint"
            elif configuration.Voters.Length <> size then
                Some $"the voters are {names}, and should be {size}"
            elif not (List.forall isThere (Configuration.members configuration)) then
                Some $"somebody of the configuration is gone; the voters are {names}"
            elif
                preferenceOf plan leader = LeadershipPreference.Reluctant
                && willing
                   |> List.exists (fun node ->
                       preferenceOf plan node = LeadershipPreference.Normal
                       && Configuration.isVoter node.Id configuration)
            then
                Some $"{Naming.show leader.Id} leads reluctantly"
            else
                None

    /// Why the bonds are no full mesh; none when they are.
    let missingBond (nodes: Node list) : string option =
        nodes
        |> List.tryPick (fun node ->
            nodes
            |> List.tryPick (fun other ->
                if other.Peer <> node.Peer && not (node.Raft.Bonded.ContainsKey other.Id) then
                    Some $"{Naming.show node.Id} has no bond with {Naming.show other.Id}"
                else
                    None))

    /// Why somebody still takes peers for members of other lineages, when there is only one left; none when nobody does.
    let imaginedConflict (nodes: Node list) : string option =
        nodes
        |> List.tryPick (fun node ->
            match Lineages.others node.Raft with
            | [] -> None
            | others ->
                let names = others |> List.map Naming.showLineage |> String.concat " "
                Some $"{Naming.show node.Id} still reports a conflict with {names}")

    let describe (nodes: Node list) =
        nodes |> List.map (fun node -> Show.state node.Raft) |> String.concat "; "
