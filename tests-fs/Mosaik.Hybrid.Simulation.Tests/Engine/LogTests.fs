module Mosaik.Hybrid.Simulation.Tests.Engine.LogTests

open System

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation

let private entry (index: int) (term: int) (payload: byte) : LogEntry =
    { Index = LogIndex(uint64 index)
      Term = Term(uint64 term)
      Kind = EntryKind.Command
      BatchRemaining = 0
      Timestamp = 0L
      Proposer = ProposerId(Naming.memberOf 1 1, 1UL)
      Number = uint64 index
      Payload = ReadOnlyMemory [| payload |] }

let private write (truncateFrom: int) (entries: LogEntry list) : Write =
    { Sequence = 1UL
      HardState = null
      TruncateFrom = LogIndex(uint64 truncateFrom)
      Entries = [ ReadOnlyMemory(Array.ofList entries) ] }

let private logOf (entries: LogEntry list) =
    let log = ChainedLog()
    Expect.isTrue (log.Apply(write 0 entries)) "the entries follow on"
    log

let private last (log: ChainedLog) = log.ChainAt log.Last

[<Tests>]
let tests =
    testList
        "Logs and disks"
        [ testCase "equal logs have equal fingerprints, others have others"
          <| fun () ->
              let basis = [ entry 1 1 1uy; entry 2 1 2uy; entry 3 2 3uy ]
              Expect.equal (last (logOf basis)) (last (logOf basis)) "the same entries"
              let others =
                  [ [ entry 1 1 9uy; entry 2 1 2uy; entry 3 2 3uy ]
                    [ entry 1 1 1uy; entry 2 2 2uy; entry 3 2 3uy ]
                    [ entry 1 1 1uy; entry 2 1 2uy; { entry 3 2 3uy with Number = 4UL } ]
                    [ entry 1 1 1uy; entry 2 1 2uy; { entry 3 2 3uy with BatchRemaining = 1 } ]
                    [ entry 1 1 1uy; entry 2 1 2uy; { entry 3 2 3uy with Payload = ReadOnlyMemory.Empty } ]
                    [ entry 1 1 1uy; entry 2 1 2uy ] ]
              for other in others do
                  Expect.isFalse (last (logOf other) = last (logOf basis)) "another log"

          testCase "a truncated suffix leaves no trace"
          <| fun () ->
              let log = logOf [ entry 1 1 1uy; entry 2 1 2uy; entry 3 1 3uy ]
              Expect.isTrue (log.Apply(write 2 [ entry 2 2 7uy ])) "entries follow on after the cut"
              Expect.equal
                  (last log)
                  (last (logOf [ entry 1 1 1uy; entry 2 2 7uy ]))
                  "the log as if never otherwise"

          testCase "entries that do not follow on are told of"
          <| fun () ->
              let log = logOf [ entry 1 1 1uy ]
              Expect.isFalse (log.Apply(write 0 [ entry 3 1 3uy ])) "a gap"

          testCase "one flush takes all that has gathered, and a crash loses what it does not keep"
          <| fun () ->
              let disk = Disk(Naming.memberOf 1 1)
              let queue = DiskQueue(disk, null)
              let sequenced (sequence: uint64) (index: int) =
                  DiskJob.Write { write 0 [ entry index 1 (byte index) ] with Sequence = sequence }
              queue.Add(sequenced 1UL 1)
              queue.Begin()
              queue.Add(sequenced 2UL 2)
              Expect.equal (queue.DurableSequence 2UL) 0UL "nothing is durable while the first is under way"
              Expect.equal (queue.End()) 1UL "the flush began before the second write"
              Expect.equal disk.Log.Count 1 "so only the first is on the disk"
              queue.Begin()
              queue.Add(sequenced 3UL 3)
              queue.Crash 1
              Expect.equal disk.Log.Count 2 "the crash kept one of two"
              Expect.equal (disk.TakeFresh()) (LogIndex 1UL) "all of it is fresh to whoever asks first"

          testCase "majorities meet where they must, by arithmetic of the simulator's own"
          <| fun () ->
              let members (numbers: int list) =
                  numbers |> List.map (fun number -> Naming.memberOf number 1)
              let plain numbers =
                  Configuration.ofVoters (members numbers)
              let joint current outgoing =
                  { plain current with Outgoing = members outgoing }
              Expect.isTrue (Committees.intersect (plain [ 1; 2; 3 ]) (plain [ 1; 2; 3; 4 ])) "one more voter"
              Expect.isFalse (Committees.intersect (plain [ 1; 2; 3 ]) (plain [ 1; 2; 3; 4; 5 ])) "two more"
              Expect.isFalse (Committees.intersect (plain [ 1; 2; 3 ]) (plain [ 4; 5; 6 ])) "others"
              Expect.isTrue
                  (Committees.intersect (plain [ 1; 2; 3 ]) (joint [ 4; 5; 6 ] [ 1; 2; 3 ]))
                  "a joint one"
              let holds (numbers: int list) (id: MemberId) =
                  List.contains (Naming.numberOf id) numbers
              Expect.isFalse
                  (Committees.decides (plain [ 1; 2; 3; 4 ]) (holds [ 1; 2 ]))
                  "half is no majority"
              Expect.isTrue
                  (Committees.decides (plain [ 1; 2; 3; 4 ]) (holds [ 1; 2; 3 ]))
                  "three of four are"
              Expect.isFalse
                  (Committees.decides (joint [ 1; 2; 3 ] [ 4; 5; 6 ]) (holds [ 1; 2; 3 ]))
                  "a joint decision takes both" ]
