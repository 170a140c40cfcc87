module Mosaik.Hybrid.Model.Tests.SmallBounds

open Expecto

open Mosaik.Hybrid.Model

/// Exhausts the bounds, and sees to it that the space was worth visiting.
let private holds (bounds: Bounds) (mustBeSeen: Sight list) () =
    let report = exhausts bounds
    Cli.table [ report ] |> List.iter (printfn "%s")
    for sight in mustBeSeen do
        Expect.isGreaterThan (report.Coverage.Of sight) 0L $"{sight} must be seen"

let private atomic = Bounds.small Tier.Atomic
let private asynchronous = Bounds.small Tier.Async
let private founding = Bounds.small Tier.Founding
let private configuration = Bounds.small Tier.Configuration

[<Tests>]
let tests =
    testList
        "Every rule holds in every state"
        [ testCase
              "of three members through two terms, with two commands and a crash"
              (holds
                  { atomic with Proposals = 2; WritesInFlight = 0 }
                  [ Sight.Election; Sight.Commit; Sight.Truncation; Sight.Rejection; Sight.VoteDenied ])
          testCase
              "of three members with writes in flight, which a crash may lose"
              (holds
                  { atomic with Proposals = 0 }
                  [ Sight.Election; Sight.Commit; Sight.Truncation; Sight.CrashThatLoses ])
          testCase
              "of three members whose leaders send single entries, and in vain"
              (holds
                  { atomic with
                      Proposals = 0
                      Crashes = 0
                      WritesInFlight = 0
                      EntriesPerAppend = 1
                      LostRequests = true }
                  [ Sight.Election; Sight.Commit; Sight.Truncation; Sight.Rejection ])
          testCase
              "of three members that do not vote while they hear a leader"
              (holds
                  { atomic with Proposals = 0; WritesInFlight = 0; Sticky = true }
                  [ Sight.Election; Sight.Commit; Sight.Truncation; Sight.VoteDenied ])
          testCase
              "of three members whose messages are lost and late, and one of which crashes"
              (holds
                  { asynchronous with Messages = 1; Proposals = 0; WritesInFlight = 0 }
                  [ Sight.Election; Sight.Commit; Sight.Truncation; Sight.Rejection; Sight.VoteDenied ])
          testCase
              "of three members whose messages overtake each other and arrive twice"
              (holds
                  { asynchronous with
                      Terms = 1
                      Proposals = 0
                      Crashes = 0
                      Duplicates = 1
                      WritesInFlight = 0 }
                  [ Sight.Election; Sight.Commit; Sight.Rejection; Sight.VoteDenied ])
          testCase
              "of three members that found a group together"
              (holds
                  { founding with WritesInFlight = 0 }
                  [ Sight.Founding; Sight.Commit; Sight.Truncation; Sight.NewBeginning ])
          testCase
              "of three members that found a group with writes in flight, which a crash may lose"
              (holds
                  { founding with Proposals = 0 }
                  [ Sight.Founding; Sight.Commit; Sight.NewBeginning; Sight.CrashThatLoses ])
          testCase
              "of three members that may found a group alone"
              (holds
                  { founding with FoundingMembers = 1; Proposals = 0; Crashes = 0; WritesInFlight = 0 }
                  [ Sight.Founding; Sight.Commit; Sight.NewBeginning ])
          testCase
              "of three members that admit a fourth, while one crashes"
              (holds
                  { configuration with Terms = 1; Proposals = 0 }
                  [ Sight.Election; Sight.Commit; Sight.Admission; Sight.CrashThatLoses ])
          testCase
              "of three members that admit a fourth, while leaders change"
              (holds
                  { configuration with Proposals = 0; Crashes = 0; WritesInFlight = 0 }
                  [ Sight.Election; Sight.Commit; Sight.Admission; Sight.Truncation ])
          testCase
              "of two members that give a third a vote, while leaders change and one crashes"
              (holds
                  { configuration with Members = 2; FoundingMembers = 2; Proposals = 0; Promotion = true }
                  [ Sight.Election
                    Sight.Commit
                    Sight.JointEntered
                    Sight.Promotion
                    Sight.Truncation
                    Sight.CrashThatLoses ]) ]
