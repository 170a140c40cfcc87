namespace Mosaik.Hybrid.Model

open System
open System.Buffers.Binary
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

/// An entry of the log. One object an entry, so that logs are compared by a number an entry.
[<Sealed>]
type Entry(value: LogEntry, codes: uint64[]) =

    member _.Value = value
    member _.Term = int value.Term.Value
    member _.Kind = value.Kind

    /// What the entry is, under each permutation of the members; the first one changes nothing.
    member _.Codes = codes

    /// Term, kind and content: what must be equal at one index of two logs.
    member _.Identity = codes[0]

/// Who plays: the members, the client, lineages, and the permutations under which states are one.
///
/// Members are numbers from 0 here, and sets of them bits of a number. Symmetric are the voters among themselves;
/// the newcomer of the configuration tier is nobody's equal and stays where it is.
[<Sealed>]
type Cast(bounds: Bounds) =

    let size =
        match bounds.Tier with
        | Tier.Configuration -> bounds.Members + 1
        | Tier.Atomic
        | Tier.Async
        | Tier.Founding -> bounds.Members

    let memberOf (number: int) =
        let bytes: byte[] = Array.zeroCreate 32
        BinaryPrimitives.WriteInt32BigEndian(Span bytes, number + 1)
        MemberId(PeerId.FromBytes(ReadOnlySpan bytes), Incarnation(Bytes16(uint64 (number + 1), 1UL)))

    let members = Array.init size memberOf

    let rec arrangements (items: int list) : int list list =
        match items with
        | [] -> [ [] ]
        | items ->
            items
            |> List.collect (fun item ->
                arrangements (List.filter ((<>) item) items)
                |> List.map (fun rest -> item :: rest))

    let permutations =
        let all = arrangements [ 0 .. bounds.Members - 1 ]
        let used =
            if bounds.Symmetry = Symmetry.Off then
                List.truncate 1 all
            else
                all
        used
        |> List.map (fun arrangement ->
            Array.append (Array.ofList arrangement) [| bounds.Members .. size - 1 |])
        |> Array.ofList

    let permuteMask (permutation: int[]) (mask: int) =
        let mutable permuted = 0
        for number in 0 .. size - 1 do
            if mask &&& (1 <<< number) <> 0 then
                permuted <- permuted ||| (1 <<< permutation[number])
        permuted

    let masks =
        permutations
        |> Array.map (fun permutation -> Array.init (1 <<< size) (permuteMask permutation))

    let given = Lineage(Bytes16(0UL, 1UL))
    let lineageCodes = Dictionary<Lineage, int>()
    let entries = Dictionary<struct (uint64 * uint64), Entry>()

    let bonds =
        Array.init (1 <<< size) (fun mask ->
            [ for number in 0 .. size - 1 do
                  if mask &&& (1 <<< number) <> 0 then
                      members[number], Cast.Blank ]
            |> Map.ofList)

    do lineageCodes[given] <- 1

    /// What a bond says of a member without a log.
    static member Blank: PeerFacts =
        { Lineage = Lineage.None; Preference = LeadershipPreference.Normal; HasCommands = false }

    member _.Size = size
    member _.Permutations = permutations.Length
    member _.Member(number: int) = members[number]

    /// The number of a member; -1 for the client and for none.
    member _.NumberOf(id: MemberId) =
        let number = int id.Incarnation.Value.High - 1
        if number < size then number else -1

    member this.NumberOf(id: MemberId voption) =
        match id with
        | ValueSome id -> this.NumberOf id
        | ValueNone -> -1

    /// Where a member stands in the permuted state; 0 for none, so that it fits a byte.
    member _.Place(permutation: int, number: int) =
        if number < 0 then
            0
        else
            permutations[permutation][number] + 1

    member _.Mask(permutation: int, mask: int) = masks[permutation][mask]

    member this.MaskOf(ids: MemberId seq) =
        let mutable mask = 0
        for id in ids do
            mask <- mask ||| (1 <<< this.NumberOf id)
        mask

    /// What a member is bonded to when it is to these.
    member _.Bonds(mask: int) = bonds[mask]

    member _.Everybody = (1 <<< size) - 1

    /// Who proposes: not a member, and each time a proposer of its own, so that no member has commands of its own to
    /// number, forward and send again. Exactly-once is the business of other tests.
    member val Client = memberOf 100

    /// The lineage of the given log.
    member _.Given = given

    /// A founder draws a lineage at random. Here founder and term decide it: a member founds at most once a term.
    member _.Register(lineage: Lineage, founder: int, term: int) =
        if not (lineageCodes.ContainsKey lineage) then
            lineageCodes[lineage] <- 16 + founder * 16 + term

    /// 0 for none, 1 for the given one, else 16 * (founder + 1) + term.
    member _.LineageCode(lineage: Lineage) =
        if lineage.IsNone then 0 else lineageCodes[lineage]

    member _.PermuteLineage(permutation: int, code: int) =
        if code < 16 then
            code
        else
            16 + permutations[permutation][code / 16 - 1] * 16 + code % 16

    /// The lineage of a code.
    member _.LineageOf(code: int) =
        if code = 0 then
            Lineage.None
        else
            (lineageCodes |> Seq.find (fun pair -> pair.Value = code)).Key

    member private this.CodeOf(permutation: int, value: LogEntry) : uint64 =
        let head = value.Term.Value ||| (uint64 value.Kind <<< 8)
        match value.Proposer with
        | null ->
            match value.Kind with
            | EntryKind.Configuration ->
                match Configuration.decode value.Payload with
                | Ok(struct (lineage, configuration)) ->
                    let mask (ids: MemberId list) =
                        uint64 (this.Mask(permutation, this.MaskOf ids))
                    head
                    ||| (uint64 (this.PermuteLineage(permutation, this.LineageCode lineage)) <<< 16)
                    ||| (mask configuration.Voters <<< 24)
                    ||| (mask configuration.Outgoing <<< 32)
                    ||| (mask configuration.Learners <<< 40)
                    ||| (mask configuration.Observers <<< 48)
                | Error error -> invalidOp $"A configuration entry at {value.Position} is none: {error}"
            | EntryKind.NoOp
            | EntryKind.Command
            | _ -> head
        | proposer -> head ||| (proposer.Session <<< 16)

    /// The entry of this value: the same object for the same index, term, kind and content.
    member this.Entry(value: LogEntry) : Entry =
        let key = struct (value.Index.Value, this.CodeOf(0, value))
        match entries.TryGetValue key with
        | true, known -> known
        | false, _ ->
            let codes = Array.init permutations.Length (fun permutation -> this.CodeOf(permutation, value))
            let entry = Entry(value, codes)
            entries[key] <- entry
            entry

    /// A command as the client hands it over; place and term are the leader's to give.
    member this.Command(number: int) : LogEntry =
        { Index = LogIndex.Zero
          Term = Term.Zero
          Kind = EntryKind.Command
          BatchRemaining = 0
          Timestamp = 0L
          Proposer = ProposerId(this.Client, uint64 number)
          Number = 1UL
          Payload = ReadOnlyMemory [| byte number |] }

    /// The one entry of the given log: the voters' configuration, of term 1.
    member this.Foundation: Entry =
        let configuration = Configuration.ofVoters (Array.truncate bounds.Members members)
        this.Entry
            { Index = LogIndex 1UL
              Term = Term 1UL
              Kind = EntryKind.Configuration
              BatchRemaining = 0
              Timestamp = 0L
              Proposer = null
              Number = 0UL
              Payload = ReadOnlyMemory(Configuration.encode given configuration) }
