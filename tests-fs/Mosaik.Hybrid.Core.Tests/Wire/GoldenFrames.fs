/// One body of every kind, as files: `testdata/frames/*.hex`. A change of these bytes is a change of the protocol.
/// `UPDATE_GOLDEN=1 dotnet test` writes them anew.
module Mosaik.Hybrid.Core.Tests.Wire.GoldenFrames

open System
open System.IO

open Microsoft.FSharp.Reflection

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support

let private folder = Path.Combine(__SOURCE_DIRECTORY__, "..", "testdata", "frames")

let private bytes32 first =
    Bytes32.FromBytes(ReadOnlySpan [| for place in 0..31 -> byte (first + place) |])

let private memberOf first =
    MemberId(PeerId(bytes32 first), Incarnation(Bytes16(0x0102030405060708UL, uint64 first)))

let private lineage = Lineage(Bytes16(0xA0A1A2A3A4A5A6A7UL, 0xA8A9AAABACADAEAFUL))

let private memory (text: string) =
    ReadOnlyMemory(Text.Encoding.UTF8.GetBytes text)

let private configuration =
    { Voters = [ memberOf 0x10; memberOf 0x20; memberOf 0x30 ]
      Outgoing = [ memberOf 0x10 ]
      Learners = [ memberOf 0x40 ]
      Observers = [ memberOf 0x50 ] }

let private entry index term kind : LogEntry =
    { Index = LogIndex index
      Term = Term term
      Kind = kind
      BatchRemaining = 0
      Timestamp = 1_700_000_000_000L + int64 index
      Proposer = null
      Number = 0UL
      Payload = ReadOnlyMemory.Empty }

let private command index author number text =
    { entry index 3UL EntryKind.Command with Proposer = author; Number = number; Payload = memory text }

let private alice = ProposerId(memberOf 0x10, 1UL)
let private bob = ProposerId(memberOf 0x20, 300UL)

let private entries =
    ReadOnlyMemory
        [| entry 301UL 3UL EntryKind.NoOp
           { entry 302UL 3UL EntryKind.Configuration with
               Payload = ReadOnlyMemory(Configuration.encode lineage configuration) }
           command 303UL alice 7UL "put a 1"
           { command 304UL alice 8UL "put b 2" with BatchRemaining = 1 }
           command 305UL alice 9UL "put c 3"
           command 306UL bob 1UL "del a"
           command 307UL alice 10UL ""
           command 308UL alice 12UL "after a gap" |]

let private commands =
    ReadOnlyMemory
        [| for place in 0UL .. 2UL ->
               { command 0UL bob (500UL + place) "put k v" with
                   Term = Term.Zero
                   Timestamp = 0L
                   BatchRemaining = 2 - int place } |]

let private raft =
    [ "request-vote",
      Message.RequestVote
          { Lineage = lineage
            Term = Term 4UL
            Last = LogPosition(Term 3UL, LogIndex 308UL)
            Ballot = Ballot.Vote }
      "request-vote-founding",
      Message.RequestVote
          { Lineage = lineage
            Term = Term 1UL
            Last = LogPosition.Zero
            Ballot = Ballot.Founding(Configuration.ofVoters configuration.Voters) }
      "request-vote-reply",
      Message.RequestVoteReply { Lineage = lineage; Term = Term 4UL; Vote = Vote.Granted; PreVote = true }
      "append-entries",
      Message.AppendEntries(
          { Lineage = lineage
            Term = Term 3UL
            Session = 5UL
            Round = 1_000UL
            Previous = LogPosition(Term 2UL, LogIndex 300UL)
            Commit = LogIndex 299UL },
          entries
      )
      "append-entries-reply",
      Message.AppendEntriesReply
          { Lineage = lineage
            Term = Term 3UL
            Session = 5UL
            Round = 1_000UL
            Outcome = AppendOutcome.Accepted(LogIndex 308UL) }
      "append-entries-reply-rejected",
      Message.AppendEntriesReply
          { Lineage = lineage
            Term = Term 3UL
            Session = 5UL
            Round = 1_000UL
            Outcome = AppendOutcome.Rejected(LogIndex 300UL, LogPosition(Term 1UL, LogIndex 250UL)) }
      "append-entries-reply-receiving",
      Message.AppendEntriesReply
          { Lineage = lineage
            Term = Term 3UL
            Session = 5UL
            Round = 1_000UL
            Outcome = AppendOutcome.Receiving(LogPosition(Term 2UL, LogIndex 300UL), 1_048_576L) }
      "install-snapshot",
      Message.InstallSnapshot(
          { Lineage = lineage
            Term = Term 3UL
            Session = 5UL
            Round = 1_000UL
            Previous = LogPosition(Term 2UL, LogIndex 300UL)
            Commit = LogIndex 308UL },
          { Lineage = lineage
            Position = LogPosition(Term 2UL, LogIndex 300UL)
            Configuration = configuration
            Length = 3_000_000L
            Checksum = 0xDEADBEEFu },
          { Offset = 1_048_576L; Data = memory "bytes of a machine" }
      )
      "read-index", Message.ReadIndex { Lineage = lineage; Term = Term 3UL; Request = 77UL }
      "read-index-reply",
      Message.ReadIndexReply { Lineage = lineage; Term = Term 3UL; Request = 77UL; Index = LogIndex 308UL }
      "forward", Message.Forward({ Lineage = lineage; Term = Term 3UL; Applied = 499UL }, commands)
      "forward-reply",
      Message.ForwardReply
          { Lineage = lineage
            Term = Term 3UL
            Outcome = ForwardOutcome.Appended(500UL, 502UL, LogIndex 309UL) }
      "forward-reply-missing",
      Message.ForwardReply { Lineage = lineage; Term = Term 3UL; Outcome = ForwardOutcome.Missing 500UL }
      "forward-reply-overloaded",
      Message.ForwardReply { Lineage = lineage; Term = Term 3UL; Outcome = ForwardOutcome.Overloaded }
      "catch-up",
      Message.CatchUp(
          { Lineage = lineage
            Term = Term 9UL
            Session = 3UL
            Round = 0UL
            Previous = LogPosition(Term 2UL, LogIndex 300UL)
            Commit = LogIndex 70_000UL },
          { UpTo = LogIndex 69_999UL
            Runs =
              [ { First = LogIndex 301UL; Term = Term 2UL }; { First = LogIndex 5_000UL; Term = Term 7UL } ]
            Sources = [ memberOf 0x10; memberOf 0x50 ] }
      )
      "fetch-entries",
      Message.FetchEntries
          { Lineage = lineage
            Term = Term 9UL
            Request = 77UL
            First = LogIndex 301UL
            Last = LogIndex 1_324UL }
      "fetched-entries",
      Message.FetchedEntries(
          { Lineage = lineage
            Term = Term 9UL
            Request = 77UL
            Previous = LogPosition(Term 2UL, LogIndex 300UL) },
          entries
      )
      "fetched-entries-none",
      Message.FetchedEntries(
          { Lineage = lineage; Term = Term 9UL; Request = 77UL; Previous = LogPosition.Zero },
          System.ReadOnlyMemory.Empty
      )
      "timeout-now", Message.TimeoutNow { Lineage = lineage; Term = Term 3UL }
      "hand-over", Message.HandOver { Lineage = lineage; Term = Term 3UL; Target = memberOf 0x50 }
      "depart", Message.Depart { Lineage = lineage; Term = Term 3UL }
      "departed", Message.Departed { Lineage = lineage; Term = Term 3UL }
      "survey", Message.Survey { Lineage = lineage; Term = Term 3UL; Request = 77UL }
      "survey-reply",
      Message.SurveyReply
          { Lineage = lineage
            Term = Term 3UL
            Request = 77UL
            Last = LogIndex 309UL
            Commit = LogIndex 308UL
            Members =
              [ { Member = memberOf 0x10
                  Match = LogIndex 309UL
                  Silence = 0L
                  IsBonded = true
                  IsCaughtUp = true
                  IsLeaving = false
                  Preference = LeadershipPreference.Normal }
                { Member = memberOf 0x20
                  Match = LogIndex 250UL
                  Silence = 1_500L
                  IsBonded = false
                  IsCaughtUp = false
                  IsLeaving = true
                  Preference = LeadershipPreference.Reluctant } ] } ]

/// Every sample by the name of its file.
let samples: (string * BondMessage) list =
    [ "hello",
      BondMessage.Hello
          { VersionMin = 1us
            VersionMax = 2us
            Network = NetworkId(bytes32 0x60)
            Group = GroupId(bytes32 0x80)
            Nonce = bytes32 0xC0
            Member = memberOf 0x10
            Lineage = lineage
            Preference = LeadershipPreference.Observer
            HasCommands = false }
      "hello-reluctant",
      BondMessage.Hello
          { VersionMin = 1us
            VersionMax = 1us
            Network = NetworkId(bytes32 0x60)
            Group = GroupId(bytes32 0x80)
            Nonce = bytes32 0xC0
            Member = memberOf 0x10
            Lineage = lineage
            Preference = LeadershipPreference.Reluctant
            HasCommands = true }
      "proof", BondMessage.Proof { Mac = bytes32 0x40; Entry = memory "a signed peer entry" }
      "welcome", BondMessage.Welcome
      "ping", BondMessage.Ping
      "pong", BondMessage.Pong
      "peer-changed", BondMessage.PeerChanged(memory "a newer signed peer entry")
      "affiliated", BondMessage.Affiliated lineage
      "departing", BondMessage.Departing
      "close", BondMessage.Close CloseReason.GroupNotFound ]
    @ (raft |> List.map (fun (name, message) -> name, BondMessage.Raft message))

let private pathOf name = Path.Combine(folder, name + ".hex")

/// Sixteen bytes a line.
let private print (body: byte[]) =
    body
    |> Array.chunkBySize 16
    |> Array.map (fun line -> Convert.ToHexStringLower(ReadOnlySpan line) + "\n")
    |> String.concat ""

let private parse (text: string) =
    Convert.FromHexString(text.Replace("\n", "").Replace("\r", ""))

let private isUpdate = Environment.GetEnvironmentVariable "UPDATE_GOLDEN" = "1"

/// The body in the file, which is written first when it is to be made anew.
let read name =
    if isUpdate then
        let _, message = samples |> List.find (fun (sample, _) -> sample = name)
        File.WriteAllText(pathOf name, print (Codec.encode message))
    parse (File.ReadAllText(pathOf name))

let private kebab (name: string) =
    name
    |> Seq.mapi (fun place letter ->
        if Char.IsUpper letter && place > 0 then
            "-" + string (Char.ToLowerInvariant letter)
        else
            string (Char.ToLowerInvariant letter))
    |> String.concat ""

let private kindsOf union =
    FSharpType.GetUnionCases union
    |> Array.map (fun case -> kebab case.Name)
    |> List.ofArray

[<Tests>]
let tests =
    testList
        "Golden frames"
        [ testCase "every kind of message has one"
          <| fun () ->
              let kinds =
                  (kindsOf typeof<BondMessage> |> List.except [ "raft" ])
                  @ kindsOf typeof<Message>
              let missing = kinds |> List.except (samples |> List.map fst)
              Expect.isEmpty missing "samples"

          testCase "no file is left over"
          <| fun () ->
              let files =
                  Directory.GetFiles folder
                  |> Array.map Path.GetFileNameWithoutExtension
                  |> List.ofArray
              Expect.isEmpty (files |> List.except (samples |> List.map fst)) "files without a sample"

          testList
              "encode"
              [ for name, message in samples ->
                    testCase name
                    <| fun () ->
                        Expect.equal (print (Codec.encode message)) (print (read name)) "as in the file" ]

          testList
              "decode"
              [ for name, message in samples ->
                    testCase name
                    <| fun () ->
                        let decoded = Expect.wantOk (Codec.decode (read name)) "well-formed"
                        Expect.equal (Shape.ofMessage decoded) (Shape.ofMessage message) "the sample" ] ]
