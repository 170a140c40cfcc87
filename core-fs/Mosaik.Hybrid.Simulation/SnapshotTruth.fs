namespace Mosaik.Hybrid.Simulation

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// What a snapshot must hold, by the committed log alone.
[<RequireQualifiedAccess>]
module SnapshotTruth =

    let private broken (evidence: string) : 'any =
        Rules.break' Rules.snapshotTruth evidence

    /// What was committed up to the position: what a snapshot that stands there stands for.
    let committedUpTo (facts: LineageFacts) (id: MemberId) (position: LogPosition) : LogEntry[] =
        let committed = facts.Committed
        let count = position.Index.Value
        if
            count > uint64 committed.Count
            || committed[int count - 1].Entry.Term <> position.Term
        then
            broken $"{Naming.show id} has a snapshot at {position}, where nobody committed anything"
        Array.init (int count) (fun place -> committed[place].Entry)

    /// The table of who has proposed what, and the time, as the entries alone make them.
    let private headOf (facts: LineageFacts) (index: LogIndex) (entries: LogEntry[]) : SnapshotHead =
        match facts.Heads.TryGetValue index.Value with
        | true, head -> head
        | false, _ ->
            let filter = CommandFilter CommandFilter.SessionsMaxDefault
            for entry in entries do
                filter.Judge entry |> ignore
            let head = { Timestamp = entries[entries.Length - 1].Timestamp; Records = filter.Records }
            facts.Heads.Add(index.Value, head)
            head

    /// Whoever took it, and from wherever it came: it stands at a committed entry, with the configuration that was in
    /// force there, the table of proposers and the time. The machine's own state is compared when it is restored.
    let check (facts: LineageFacts) (id: MemberId) (snapshot: KeptSnapshot) =
        let position = snapshot.Facts.Position
        let entries = committedUpTo facts id position
        let inForce =
            entries
            |> Array.tryFindBack (fun entry -> entry.Kind = EntryKind.Configuration)
            |> Option.map (fun entry -> Configuration.decode entry.Payload)
        match inForce with
        | Some(Ok(struct (_, configuration))) when configuration = snapshot.Facts.Configuration -> ()
        | _ ->
            broken
                $"{Naming.show id} has a snapshot at {position} with another configuration than was in force there"
        let head = Snapshot.headOf id snapshot.Content
        let expected = headOf facts position.Index entries
        if head.Timestamp <> expected.Timestamp then
            broken
                $"{Naming.show id} has a snapshot at {position} of {head.Timestamp}, where it was {expected.Timestamp}"
        if head.Records <> expected.Records then
            broken $"{Naming.show id} has a snapshot at {position} with another table of proposers"

    /// A member forgets the beginning of its log: only what its newest snapshot stands for.
    let checkCompaction (id: MemberId) (disk: Disk) (through: LogPosition) =
        match disk.Snapshot with
        | ValueSome { Facts = facts } when through.Index <= facts.Position.Index -> ()
        | ValueSome _
        | ValueNone -> broken $"{Naming.show id} forgets its log up to {through} without a snapshot of it"
