/// What the core never makes, the writer does not send: a fault here is better than a closed link there.
module Mosaik.Hybrid.Core.Tests.Wire.WriterRefusalTests

open System
open System.Buffers

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Wire

let private author number =
    let peer = Array.create 32 (byte number)
    ProposerId(MemberId(PeerId.FromBytes(ReadOnlySpan peer), Incarnation(Bytes16(1UL, 1UL))), 1UL)

let private alice = author 1

let private command index : LogEntry =
    { Index = LogIndex index
      Term = Term 2UL
      Kind = EntryKind.Command
      BatchRemaining = 0
      Timestamp = 5L
      Proposer = alice
      Number = index
      Payload = ReadOnlyMemory [| 1uy |] }

let private append (entries: LogEntry list) =
    let header =
        { Lineage = Lineage(Bytes16(1UL, 2UL))
          Term = Term 2UL
          Session = 1UL
          Round = 1UL
          Previous = LogPosition(Term 2UL, LogIndex 9UL)
          Commit = LogIndex.Zero }
    Message.AppendEntries(header, ReadOnlyMemory(Array.ofList entries))

let private forward (commands: LogEntry list) =
    Message.Forward(
        { Lineage = Lineage(Bytes16(1UL, 2UL)); Term = Term 2UL; Applied = 0UL },
        ReadOnlyMemory(Array.ofList commands)
    )

let private refused =
    [ "an append that does not follow its position", append [ command 11UL ]
      "an append with a gap", append [ command 10UL; command 12UL ]
      "a term that goes back", append [ { command 10UL with Term = Term 1UL } ]
      "a command without a proposer", append [ { command 10UL with Proposer = null } ]
      "a command without a number", append [ { command 10UL with Number = 0UL } ]
      "a batch of 65,537", append [ { command 10UL with BatchRemaining = 65_536 } ]
      "a NoOp with a payload", append [ { command 10UL with Kind = EntryKind.NoOp } ]
      "65,537 entries", append [ for index in 10UL .. 65_546UL -> command index ]
      "forwarded commands with a gap", forward [ command 1UL; command 3UL ]
      "forwarded commands of two proposers", forward [ command 1UL; { command 2UL with Proposer = author 2 } ]
      "a forwarded configuration", forward [ { command 1UL with Kind = EntryKind.Configuration } ]
      "a term over 2^62",
      Message.ReadIndex { Lineage = Lineage.None; Term = Term(1UL + (1UL <<< 62)); Request = 1UL }
      "a founding without voters",
      Message.RequestVote
          { Lineage = Lineage.None
            Term = Term 1UL
            Last = LogPosition.Zero
            Ballot = Ballot.Founding(Configuration.ofVoters []) } ]

[<Tests>]
let tests =
    testList
        "The writer refuses"
        [ for name, message in refused ->
              testCase name
              <| fun () ->
                  let output = ArrayBufferWriter<byte>()
                  Expect.throwsT<ArgumentException>
                      (fun () -> WireWriter.Encode(BondMessage.Raft message, output))
                      "a fault of the caller"
                  Expect.equal output.WrittenCount 0 "nothing was written" ]
