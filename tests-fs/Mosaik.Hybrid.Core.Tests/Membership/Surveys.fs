module Mosaik.Hybrid.Core.Tests.Membership.Surveys

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Support.Scenario

let private asks (id: int) (scene: Scene) = gets [ Input.Survey(uint64 id) ] scene

let private following () =
    follower 3 [ 1; 3 ] |> receives n2 (append 3 (position 3 2) [] 2)

let private question number request =
    Message.Survey { Lineage = theLineage; Term = term number; Request = uint64 request }

let private reply number request =
    Message.SurveyReply
        { Lineage = theLineage
          Term = term number
          Request = uint64 request
          Last = index 2
          Commit = index 2
          Members = [] }

let private leading () = leader 3 [ 1; 3 ] |> followedBy [ n2 ]

/// The report on a member, as the leader makes it now.
let private reportOn (id: MemberId) (scene: Scene) : MemberReport =
    let clock = { Now = Instant scene.Now; Wall = scene.Now }
    match Surveys.ofLeader scene.Config clock scene.State with
    | ValueSome reply -> reply.Members |> List.find (fun report -> report.Member.Equals id)
    | ValueNone -> failtest "not a leader"

[<Tests>]
let tests =
    testList
        "Surveys"
        [ testCase "a leader answers at once, with everybody in its configuration"
          <| fun () ->
              leading ()
              |> asks 1
              |> expectTold "survey 1: SurveyReply t4 request 0 last 3 commit 3: n1 3, n2 3, n3 0"
              |> ignore

          testCase "a follower asks the leader once for all that wait"
          <| fun () ->
              following ()
              |> gets [ Input.Survey 1UL; Input.Survey 2UL ]
              |> expectTold "-> n2 Survey t3 request 1"
              |> asks 3
              |> expectNotTold "Survey"
              |> receives n2 (reply 3 1)
              |> expectTold "survey 2 1: SurveyReply t3 request 1 last 2 commit 2: "
              |> expectTold "-> n2 Survey t3 request 2"
              |> ignore

          testCase "without a leader nobody knows"
          <| fun () -> follower 3 [ 1; 3 ] |> asks 1 |> expectTold "survey 1: nobody knows" |> ignore

          testCase "a leader that does not answer within a forward timeout is not waited for"
          <| fun () ->
              following ()
              |> asks 1
              |> at 399
              |> ticks
              |> expectNotTold "survey"
              |> at 400
              |> ticks
              |> expectTold "survey 1: nobody knows"
              |> receives n2 (reply 3 1)
              |> expectNotTold "survey"
              |> ignore

          testCase "the end of the leader ends the question"
          <| fun () ->
              following ()
              |> asks 1
              |> gets [ Input.PeerDown n2 ]
              |> expectTold "survey 1: nobody knows"
              |> ignore

          testCase "only the leader that was asked answers, and only what was asked"
          <| fun () ->
              following ()
              |> asks 1
              |> receives n3 (reply 3 1)
              |> expectNotTold "survey 1"
              |> receives n2 (reply 3 7)
              |> expectNotTold "survey 1"
              |> receives n2 (reply 3 1)
              |> expectTold "survey 1: SurveyReply t3 request 1 last 2 commit 2: "
              |> ignore

          testCase "who does not lead says nothing to others"
          <| fun () ->
              following ()
              |> receives n3 (question 3 1)
              |> expectNotTold "SurveyReply"
              |> ignore
              leading ()
              |> receives n3 (question 4 9)
              |> expectTold "-> n3 SurveyReply t4 request 9 last 3 commit 3: n1 3, n2 3, n3 0"
              |> ignore

          testCase "the report tells who lags, who is silent, who is gone and who leaves"
          <| fun () ->
              let scene = leading () |> at 2_700
              let ahead = reportOn n2 scene
              Expect.isTrue (ahead.IsBonded && ahead.IsCaughtUp) "n2 is in step"
              Expect.equal ahead.Silence 700L "since it was last heard"
              Expect.isFalse (reportOn n3 scene).IsCaughtUp "n3 has not answered"
              let left = scene |> receives n2 (Message.Depart { Lineage = theLineage; Term = term 4 })
              Expect.isTrue (reportOn n2 left).IsLeaving "n2 has said so"
              let gone = scene |> gets [ Input.PeerDown n3 ]
              Expect.isFalse (reportOn n3 gone).IsBonded "no bond to n3"

          testCase "questions are bounded"
          <| fun () ->
              let many = [ for id in 1..257 -> Input.Survey(uint64 id) ]
              following ()
              |> asks 1000
              |> gets many
              |> expectTold "survey 257: nobody knows"
              |> ignore ]
