namespace Mosaik.Hybrid.Core.Tests.Support

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation

/// Outputs of consensus in one line each.
[<RequireQualifiedAccess>]
module ShowOutput =

    let private notice (notice: Notice) =
        match notice with
        | Notice.LeaderChanged ValueNone -> "no leader"
        | Notice.LeaderChanged(ValueSome id) -> $"leader {Naming.show id}"
        | Notice.RoleChanged(role, term) -> $"{string(role).ToLowerInvariant()} in term {term}"
        | Notice.OnlineChanged online -> if online then "online" else "offline"
        | Notice.ConfigurationChanged configuration ->
            let names members =
                members |> List.map Naming.show |> String.concat " "
            let part (name: string) (members: MemberId list) =
                if members.IsEmpty then "" else $" {name} {names members}"
            $"configuration voters {names configuration.Voters}"
            + part "outgoing" configuration.Outgoing
            + part "learners" configuration.Learners
            + part "observers" configuration.Observers
        | Notice.CommitAdvanced index -> $"commit {index}"
        | Notice.DiskStalled stalled -> if stalled then "disk stalled" else "disk works again"
        | Notice.ConflictChanged lineages ->
            let names = lineages |> List.map Naming.showLineage |> String.concat " "
            $"conflict with {names}"
        | Notice.MayLeave -> "may leave"

    /// What consensus asked for.
    let line (output: Output) =
        match output with
        | Output.Install through -> $"install {through}"
        | Output.Compact through -> $"compact {through}"
        | Output.Write asked -> Show.write asked
        | Output.SetDeadline at -> $"deadline {at}"
        | Output.Apply range -> $"apply {range}"
        | Output.Notify news -> notice news
        | Output.Halt violation -> $"HALT {violation.Rule} {violation.Evidence}"
        | Output.Send(recipient, sent) -> $"-> {Naming.show recipient} {Show.message sent}"
        | Output.SendEntries(recipient, header, range) ->
            let empty = Show.message (Message.AppendEntries(header, System.ReadOnlyMemory.Empty))
            $"-> {Naming.show recipient} {empty} entries {range}"
        | Output.ServeEntries(recipient, header, range) ->
            $"-> {Naming.show recipient} {Show.message (Message.FetchedEntries(header, System.ReadOnlyMemory.Empty))} entries {range}"
        | Output.SendSnapshot(recipient, header, snapshot, offset, count) ->
            $"-> {Naming.show recipient} snapshot {snapshot.Position} t{header.Term} s{header.Session} bytes {offset} +{count}"
        | Output.Keep(snapshot, chunk) ->
            $"keep snapshot {snapshot.Position} bytes {chunk.Offset} +{chunk.Data.Length} of {snapshot.Length}"
        | Output.SendCommands(recipient, header, first, last) ->
            $"-> {Naming.show recipient} Forward t{header.Term} #{first}..{last} applied {header.Applied}"
        | Output.Resubmit(first, last) -> $"resubmit #{first}..{last}"
        | Output.Assigned(first, last, index) -> $"assigned #{first}..{last} at {index}"
        | Output.ReadReady(ids, index) ->
            let ids = ids |> List.map string |> String.concat " "
            $"read {ids} ready at {index}"
        | Output.ReadRefused id -> $"read {id} refused"
        | Output.Surveyed(ids, reply) ->
            let ids = ids |> List.map string |> String.concat " "
            match reply with
            | ValueSome reply -> $"survey {ids}: {Show.message (Message.SurveyReply reply)}"
            | ValueNone -> $"survey {ids}: nobody knows"
        | Output.Blame(peer, evidence) -> $"blame {Naming.show peer}: {evidence}"
        | Output.Reset -> "reset"
