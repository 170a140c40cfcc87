/// Generators of everything that members say to each other. Messages are such as the core makes: indexes follow
/// each other, terms never go back, commands have proposers.
module Mosaik.Hybrid.Core.Tests.Support.Arbitraries

open System

open FsCheck
open FsCheck.FSharp

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

let private bits = ArbMap.defaults |> ArbMap.generate<uint64>

/// Small and large numbers alike: most bugs of a varint live where its length changes.
let private anyNumber =
    gen {
        let! number = bits
        let! shift = Gen.choose (0, 63)
        return number >>> shift
    }

/// Terms, indexes and command numbers: at most 2^62, with room above for what follows.
let private number =
    anyNumber
    |> Gen.map (fun value -> value &&& 0x3FFF_FFFF_FFFF_0000UL ||| (value &&& 0xFFFFUL))

let private bytes16 = Gen.map2 (fun high low -> Bytes16(high, low)) bits bits

let private bytes length =
    ArbMap.defaults |> ArbMap.generate<byte> |> Gen.arrayOfLength length

let private bytes32 = bytes 32 |> Gen.map (fun raw -> Bytes32.FromBytes(ReadOnlySpan raw))

let private memory lengthMax =
    gen {
        let! length = Gen.choose (0, lengthMax)
        let! raw = bytes length
        return ReadOnlyMemory raw
    }

let private lineage = bytes16 |> Gen.map Lineage

let private term = number |> Gen.map Term

let private index = number |> Gen.map LogIndex

let private position = Gen.map2 (fun term index -> LogPosition(term, index)) term index

let memberId =
    Gen.map2 (fun peer incarnation -> MemberId(PeerId peer, Incarnation incarnation)) bytes32 bytes16

let private proposer = Gen.map2 (fun author session -> ProposerId(author, session)) memberId anyNumber

/// Any configuration that keeps the rules: sorted, nobody twice but in both halves of a joint one.
let configuration =
    gen {
        let! count = Gen.choose (1, 12)
        let! everybody = Gen.listOfLength count memberId
        let! places = Gen.listOfLength count (Gen.choose (0, 4))
        let everybody = List.distinct everybody
        let placed wanted =
            List.zip everybody (List.take everybody.Length places)
            |> List.filter (fun (_, place) -> List.contains place wanted)
            |> List.map fst
            |> List.sort
        // A lone voter may stand among the outgoing too: that is a joint committee.
        let voters =
            if (placed [ 0; 4 ]).IsEmpty then
                [ everybody.Head ]
            else
                placed [ 0; 4 ]
        let others = List.except voters
        return
            { Voters = voters
              Outgoing = placed [ 1; 4 ]
              Learners = placed [ 2 ] |> others
              Observers = placed [ 3 ] |> others }
    }

let private hello =
    gen {
        let! versionMin = Gen.choose (0, 65_535)
        let! versionMax = Gen.choose (0, 65_535)
        let! network = bytes32
        let! group = bytes32
        let! nonce = bytes32
        let! author = memberId
        let! lineage = lineage
        let! preference =
            Gen.elements
                [ LeadershipPreference.Normal; LeadershipPreference.Reluctant; LeadershipPreference.Observer ]
        let! hasCommands = Gen.elements [ true; false ]
        return
            { VersionMin = uint16 versionMin
              VersionMax = uint16 versionMax
              Network = NetworkId network
              Group = GroupId group
              Nonce = nonce
              Member = author
              Lineage = lineage
              Preference = preference
              HasCommands = hasCommands }
    }

let private requestVote =
    gen {
        let! lineage = lineage
        let! term = term
        let! last = position
        let! ballot =
            Gen.oneof
                [ Gen.constant Ballot.PreVote
                  Gen.constant Ballot.Vote
                  Gen.constant Ballot.Transfer
                  Gen.map Ballot.Founding configuration ]
        return Message.RequestVote { Lineage = lineage; Term = term; Last = last; Ballot = ballot }
    }

let private requestVoteReply =
    gen {
        let! lineage = lineage
        let! term = term
        let! vote = Gen.elements [ Vote.Granted; Vote.Denied ]
        let! preVote = Gen.elements [ true; false ]
        return Message.RequestVoteReply { Lineage = lineage; Term = term; Vote = vote; PreVote = preVote }
    }

let private batchRemaining =
    Gen.frequency [ 5, Gen.constant 0; 1, Gen.choose (1, 200); 1, Gen.choose (65_000, 65_535) ]

/// An entry after another: its numbers may jump, as they do across proposers' restarts.
let private entryAfter (proposers: ProposerId[]) (former: LogEntry) =
    gen {
        let! kind =
            Gen.frequency
                [ 8, Gen.constant EntryKind.Command
                  1, Gen.constant EntryKind.NoOp
                  1, Gen.constant EntryKind.Configuration
                  1, Gen.constant EntryKind.Dissolution ]
        let! newTerm =
            Gen.frequency
                [ 8, Gen.constant 0UL; 1, Gen.constant 1UL; 1, Gen.choose (2, 100_000) |> Gen.map uint64 ]
        let! step =
            Gen.frequency
                [ 8, Gen.choose (0, 3) |> Gen.map int64
                  1, Gen.choose (-1000, 1000) |> Gen.map int64
                  1, bits |> Gen.map int64 ]
        let! author = Gen.elements proposers
        let! jump = Gen.frequency [ 4, Gen.constant 1UL; 1, number ]
        let! batch = batchRemaining
        let! payload = memory 40
        let! lineage = lineage
        let! configuration = configuration
        let isCommand = (kind = EntryKind.Command)
        return
            { Index = former.Index.Next
              Term = Term(former.Term.Value + newTerm)
              Kind = kind
              BatchRemaining = (if isCommand then batch else 0)
              Timestamp = former.Timestamp + step
              Proposer = (if isCommand then author else null)
              Number =
                (if isCommand then
                     (former.Number + jump) % 0x4000_0000_0000_0000UL + 1UL
                 else
                     0UL)
              Payload =
                match kind with
                | EntryKind.Command -> payload
                | EntryKind.Configuration -> ReadOnlyMemory(Configuration.encode lineage configuration)
                | EntryKind.Dissolution ->
                    let payload: byte[] = Array.zeroCreate 16
                    lineage.Value.CopyTo(payload.AsSpan())
                    ReadOnlyMemory payload
                | _ -> ReadOnlyMemory.Empty }
    }

/// Nothing at this position; what the first entry of a run comes after.
let private before (previous: LogPosition) : LogEntry =
    { Index = previous.Index
      Term = previous.Term
      Kind = EntryKind.NoOp
      BatchRemaining = 0
      Timestamp = 1_700_000_000_000L
      Proposer = null
      Number = 0UL
      Payload = ReadOnlyMemory.Empty }

let rec private run count proposers former =
    gen {
        if count = 0 then
            return []
        else
            let! entry = entryAfter proposers former
            let! rest = run (count - 1) proposers entry
            return entry :: rest
    }

let private appendHeader =
    gen {
        let! lineage = lineage
        let! term = term
        let! session = anyNumber
        let! round = anyNumber
        let! previous = position
        let! commit = index
        return
            { Lineage = lineage
              Term = term
              Session = session
              Round = round
              Previous = previous
              Commit = commit }
    }

let private appendEntries =
    gen {
        let! header = appendHeader
        let! count = Gen.choose (0, 12)
        let! proposers = Gen.arrayOfLength 3 proposer
        let! entries = run count proposers (before header.Previous)
        return Message.AppendEntries(header, ReadOnlyMemory(Array.ofList entries))
    }

let private appendEntriesReply =
    gen {
        let! lineage = lineage
        let! term = term
        let! session = anyNumber
        let! round = anyNumber
        let! outcome =
            Gen.oneof
                [ Gen.map AppendOutcome.Accepted index
                  Gen.map2 (fun refused hint -> AppendOutcome.Rejected(refused, hint)) index position
                  Gen.map2
                      (fun position (offset: uint64) -> AppendOutcome.Receiving(position, int64 offset))
                      position
                      number ]
        return
            Message.AppendEntriesReply
                { Lineage = lineage; Term = term; Session = session; Round = round; Outcome = outcome }
    }

let private installSnapshot =
    gen {
        let! header = appendHeader
        let! configuration = configuration
        let! length = number
        let! checksum = anyNumber
        let! offset = number
        let! data = memory 60
        let snapshot =
            { Lineage = header.Lineage
              Position = header.Previous
              Configuration = configuration
              Length = int64 length
              Checksum = uint32 checksum }
        return Message.InstallSnapshot(header, snapshot, { Offset = int64 offset; Data = data })
    }

let private readIndex =
    Gen.map3
        (fun lineage term request -> Message.ReadIndex { Lineage = lineage; Term = term; Request = request })
        lineage
        term
        anyNumber

let private readIndexReply =
    gen {
        let! lineage = lineage
        let! term = term
        let! request = anyNumber
        let! index = index
        return Message.ReadIndexReply { Lineage = lineage; Term = term; Request = request; Index = index }
    }

let private forward =
    gen {
        let! lineage = lineage
        let! term = term
        let! applied = number
        let! author = proposer
        let! first = number |> Gen.map (fun value -> value + 1UL)
        let! batches = Gen.listOf batchRemaining
        let! payloads = Gen.listOfLength batches.Length (memory 40)
        let commands =
            List.zip batches payloads
            |> List.mapi (fun place (batch, payload) ->
                { before LogPosition.Zero with
                    Kind = EntryKind.Command
                    BatchRemaining = batch
                    Timestamp = 0L
                    Proposer = author
                    Number = first + uint64 place
                    Payload = payload })
        return
            Message.Forward(
                { Lineage = lineage; Term = term; Applied = applied },
                ReadOnlyMemory(Array.ofList commands)
            )
    }

let private forwardReply =
    gen {
        let! lineage = lineage
        let! term = term
        let! outcome =
            Gen.oneof
                [ Gen.map3
                      (fun first last index -> ForwardOutcome.Appended(first, last, index))
                      number
                      number
                      index
                  Gen.map ForwardOutcome.Missing number
                  Gen.constant ForwardOutcome.Overloaded ]
        return Message.ForwardReply { Lineage = lineage; Term = term; Outcome = outcome }
    }

/// Words that say nothing but that they are said, in which lineage and term; and to whom leadership goes.
let private orders =
    gen {
        let! lineage = lineage
        let! term = term
        let! target = memberId
        return!
            Gen.elements
                [ Message.TimeoutNow { Lineage = lineage; Term = term }
                  Message.HandOver { Lineage = lineage; Term = term; Target = target }
                  Message.Depart { Lineage = lineage; Term = term }
                  Message.Departed { Lineage = lineage; Term = term } ]
    }

let private survey =
    Gen.map3
        (fun lineage term request -> Message.Survey { Lineage = lineage; Term = term; Request = request })
        lineage
        term
        anyNumber

let private memberReport (id: MemberId) : Gen<MemberReport> =
    gen {
        let! matched = index
        let! silence = number
        let! flags = Gen.choose (0, 7)
        let! preference = Gen.elements (Enum.GetValues<LeadershipPreference>())
        return
            { Member = id
              Match = matched
              Silence = int64 silence
              IsBonded = (flags &&& 1 <> 0)
              IsCaughtUp = (flags &&& 2 <> 0)
              IsLeaving = (flags &&& 4 <> 0)
              Preference = preference }
    }

let rec private memberReports (ids: MemberId list) : Gen<MemberReport list> =
    gen {
        match ids with
        | [] -> return []
        | id :: rest ->
            let! report = memberReport id
            let! others = memberReports rest
            return report :: others
    }

let private surveyReply =
    gen {
        let! lineage = lineage
        let! term = term
        let! request = anyNumber
        let! last = index
        let! commit = index
        let! ids = Gen.listOf memberId
        let! members = ids |> List.distinct |> List.sort |> memberReports
        return
            Message.SurveyReply
                { Lineage = lineage
                  Term = term
                  Request = request
                  Last = last
                  Commit = commit
                  Members = members }
    }

let private catchUp =
    gen {
        let! header = appendHeader
        let! upTo = index
        let! count = Gen.choose (1, LogOutline.runsMax - 1)
        let! steps = Gen.listOfLength count (Gen.choose (1, 1_000))
        let! first = memberId
        let! others = Gen.listOfLength 3 memberId
        let runs: TermRun list =
            steps
            |> List.scan (fun total step -> total + step) 1
            |> List.map (fun total -> { First = LogIndex(uint64 total); Term = Term(uint64 total) })
        return Message.CatchUp(header, { UpTo = upTo; Runs = runs; Sources = first :: others })
    }

let private fetchEntries =
    gen {
        let! lineage = lineage
        let! term = term
        let! request = number
        let! first = Gen.choose (1, 1_000_000)
        let! length = Gen.choose (0, 70_000)
        return
            Message.FetchEntries
                { Lineage = lineage
                  Term = term
                  Request = request
                  First = LogIndex(uint64 first)
                  Last = LogIndex(uint64 (first + length)) }
    }

let private fetchedEntries =
    gen {
        let! lineage = lineage
        let! term = term
        let! request = number
        let! previous = position
        let! count = Gen.choose (0, 12)
        let! proposers = Gen.arrayOfLength 3 proposer
        let! entries = run count proposers (before previous)
        let header: FetchedHeader = { Lineage = lineage; Term = term; Request = request; Previous = previous }
        return Message.FetchedEntries(header, ReadOnlyMemory(Array.ofList entries))
    }

let message =
    Gen.oneof
        [ requestVote
          requestVoteReply
          appendEntries
          appendEntriesReply
          installSnapshot
          readIndex
          readIndexReply
          forward
          forwardReply
          catchUp
          fetchEntries
          fetchedEntries
          orders
          survey
          surveyReply ]

let bondMessage =
    Gen.frequency
        [ 1, Gen.map BondMessage.Hello hello
          1, Gen.map2 (fun mac entry -> BondMessage.Proof { Mac = mac; Entry = entry }) bytes32 (memory 300)
          1,
          Gen.elements [ 0; 1; 2; 3 ]
          |> Gen.map (fun place ->
              [ BondMessage.Welcome; BondMessage.Ping; BondMessage.Pong; BondMessage.Departing ][place])
          1, Gen.map BondMessage.PeerChanged (memory 300)
          1, Gen.map BondMessage.Affiliated lineage
          1, Gen.elements (Enum.GetValues<CloseReason>()) |> Gen.map BondMessage.Close
          12, Gen.map BondMessage.Raft message ]

/// For `arbitrary` of FsCheckConfig.
type Generators =
    static member BondMessage() = Arb.fromGen bondMessage
    static member Configuration() = Arb.fromGen configuration
    static member Lineage() = Arb.fromGen lineage
