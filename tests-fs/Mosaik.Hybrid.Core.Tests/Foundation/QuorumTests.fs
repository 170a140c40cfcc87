module Mosaik.Hybrid.Core.Tests.Foundation.QuorumTests

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Core.Tests.Support
open Mosaik.Hybrid.Core.Tests.Support.Scenario

/// Members 1 to `count` of which the bits of `mask` choose some.
let private chosen (mask: int) (id: MemberId) =
    mask >>> (Naming.numberOf id - 1) &&& 1 = 1

let private voters first last =
    [ for number in first..last -> Naming.memberOf number 1 ]

[<Tests>]
let tests =
    testList
        "Quorum"
        [ testCase "any two quorums of a committee share a voter, for every size and every pair"
          <| fun () ->
              for count in 1..6 do
                  let committee = Configuration.ofVoters (voters 1 count)
                  let quorums =
                      [ for mask in 0 .. (1 <<< count) - 1 do
                            if Quorum.isReached committee (chosen mask) then
                                mask ]
                  Expect.isNonEmpty quorums "there is one"
                  for left in quorums do
                      for right in quorums do
                          Expect.isTrue (left &&& right <> 0) "they meet"

          testCase "a joint quorum meets the quorums of both committees"
          <| fun () ->
              let outgoing, incoming = voters 1 3, voters 3 5
              let joint = { Configuration.ofVoters incoming with Outgoing = outgoing }
              for mask in 0..31 do
                  let both =
                      Quorum.isReached (Configuration.ofVoters outgoing) (chosen mask)
                      && Quorum.isReached (Configuration.ofVoters incoming) (chosen mask)
                  Expect.equal (Quorum.isReached joint (chosen mask)) both "both majorities are needed"

          testProperty "the committed index is the largest that a majority has" (fun (raw: uint8 list) ->
              let raw = raw |> List.truncate 7
              raw.IsEmpty
              || (let members = voters 1 raw.Length
                  let durable (id: MemberId) =
                      LogIndex(uint64 raw[Naming.numberOf id - 1])
                  let found = (Quorum.committed (Configuration.ofVoters members) durable).Value
                  let holders (at: uint64) =
                      raw |> List.filter (fun value -> uint64 value >= at) |> List.length
                  holders found > raw.Length / 2 && holders (found + 1UL) <= raw.Length / 2))

          testCase "an election is lost as soon as no majority is left"
          <| fun () ->
              let outcome granted denied =
                  Quorum.outcome committee (Set.ofList granted) (Set.ofList denied)
              Expect.equal (outcome [ n1 ] []) VoteOutcome.Pending "one of three"
              Expect.equal (outcome [ n1; n2 ] []) VoteOutcome.Won "two of three"
              Expect.equal (outcome [ n1 ] [ n2; n3 ]) VoteOutcome.Lost "two against" ]
