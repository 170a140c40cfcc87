module Mosaik.Hybrid.Core.Tests.Membership.AutopilotTests

open System

open Expecto
open FsCheck
open FsCheck.FSharp

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation

let private memberOf number = Naming.memberOf number 1

let private healthy: Standing =
    { Match = LogIndex 9UL
      Silence = 0L
      IsBonded = true
      IsCaughtUp = true
      IsObserver = false
      IsGone = false }

let private absent (silence: int64) =
    { healthy with IsBonded = false; IsCaughtUp = false; Silence = silence }

let private config =
    { ConsensusConfig.defaults with MaxVoters = 3; RemovalDelay = 10_000; ElectionTimeout = 1_000 }

let private voters numbers =
    Configuration.ofVoters (List.map memberOf numbers)

let private withLearners numbers (configuration: Configuration) =
    { configuration with Learners = List.map memberOf numbers |> List.sort }

/// What the autopilot of member 1 wants; who is not named is healthy.
let private wanted config (known: (int * Standing) list) newcomers current =
    let standing (id: MemberId) =
        known
        |> List.tryFind (fun (number, _) -> (memberOf number).Equals id)
        |> Option.map snd
        |> Option.defaultValue healthy
    Autopilot.wanted config (memberOf 1) false standing newcomers current

let private names (members: MemberId list) =
    members |> List.map Naming.show |> String.concat " "

let private expectVoters numbers (configuration: Configuration) =
    Expect.equal (names configuration.Voters) (names (List.map memberOf numbers |> List.sort)) "the committee"
    configuration

let private expectLearners numbers (configuration: Configuration) =
    Expect.equal
        (names configuration.Learners)
        (names (List.map memberOf numbers |> List.sort))
        "the learners"
    configuration

/// Groups of up to nine, each member in any condition.
let private anyGroup =
    gen {
        let! size = Gen.choose (1, 9)
        let! maxVoters = Gen.choose (1, 9)
        let! founding = Gen.choose (1, maxVoters)
        let! committee = Gen.choose (1, min size maxVoters)
        let! standings =
            Gen.listOfLength
                size
                (gen {
                    let! silence = Gen.elements [ 0L; 500L; 1_000L; 9_999L; 10_000L; 60_000L ]
                    let! isBonded = Gen.elements [ true; true; false ]
                    let! isCaughtUp = Gen.elements [ true; false ]
                    let! isObserver = Gen.frequency [ 5, Gen.constant false; 1, Gen.constant true ]
                    let! isGone = Gen.frequency [ 5, Gen.constant false; 1, Gen.constant true ]
                    let! reached = Gen.choose (0, 20)
                    return
                        { Match = LogIndex(uint64 reached)
                          Silence = silence
                          IsBonded = isBonded
                          IsCaughtUp = isCaughtUp
                          IsObserver = isObserver
                          IsGone = isGone }
                })
        let config = { config with MaxVoters = maxVoters; FoundingMembers = founding }
        let current = voters [ 1..committee ] |> withLearners [ committee + 1 .. size ]
        return struct (config, current, List.zip [ 1..size ] standings)
    }

/// Whatever the leader sees: it stays, the committee is bounded, a majority of a new one is within reach, and only
/// learners that are in step and can be reached are promoted.
let private isSound struct (config: ConsensusConfig, current: Configuration, known: (int * Standing) list) =
    let next = wanted config known [] current
    let standing (id: MemberId) =
        known |> List.find (fun (number, _) -> (memberOf number).Equals id) |> snd
    let reached =
        next.Voters
        |> List.filter (fun id -> id.Equals(memberOf 1) || Autopilot.isReachable config (standing id))
    let promoted = next.Voters |> List.filter (fun id -> not (List.contains id current.Voters))
    let isChanged = next.Voters <> current.Voters
    List.contains (memberOf 1) next.Voters
    && not (Configuration.isJoint next)
    && next.Voters.Length <= max config.MaxVoters current.Voters.Length
    && (not isChanged || reached.Length >= Quorum.majority next.Voters.Length)
    && promoted
       |> List.forall (fun id ->
           let known = standing id
           known.IsCaughtUp
           && Autopilot.isReachable config known
           && not known.IsGone
           && not known.IsObserver)
    && (Configuration.members next |> List.distinct |> List.length) = (Configuration.members next).Length

[<Tests>]
let tests =
    testList
        "Autopilot"
        [ testCase "a newcomer becomes a learner first"
          <| fun () ->
              voters [ 1; 2 ]
              |> wanted config [ 4, { healthy with IsCaughtUp = false } ] [ memberOf 4 ]
              |> expectVoters [ 1; 2 ]
              |> expectLearners [ 4 ]
              |> ignore

          testCase "learners in step become voters until the committee is full, the most caught up first"
          <| fun () ->
              let known =
                  [ 3, { healthy with IsCaughtUp = false }
                    4, { healthy with Match = LogIndex 7UL }
                    5, { healthy with Match = LogIndex 8UL } ]
              voters [ 1; 2 ]
              |> withLearners [ 3; 4; 5 ]
              |> wanted config known []
              |> expectVoters [ 1; 2; 5 ]
              |> expectLearners [ 3; 4 ]
              |> ignore

          testCase "an observer is never promoted, and a voter that has become one is dropped"
          <| fun () ->
              let observer = { healthy with IsObserver = true }
              let next =
                  voters [ 1; 2 ]
                  |> withLearners [ 4 ]
                  |> wanted config [ 4, observer ] []
                  |> expectVoters [ 1; 2 ]
              Expect.equal (names next.Observers) (names [ memberOf 4 ]) "it observes"
              voters [ 1; 2; 3 ]
              |> wanted config [ 3, observer ] []
              |> expectVoters [ 1; 2 ]
              |> ignore

          testCase "a voter that is gone for good is removed at once"
          <| fun () ->
              voters [ 1; 2; 3 ]
              |> wanted config [ 3, { absent 0L with IsGone = true } ] []
              |> expectVoters [ 1; 2 ]
              |> ignore

          testCase "a silent voter stays until removal_delay, and is replaced by a standby then"
          <| fun () ->
              let current = voters [ 1; 2; 3 ] |> withLearners [ 4 ]
              current
              |> wanted config [ 3, absent 9_999L ] []
              |> expectVoters [ 1; 2; 3 ]
              |> ignore
              current
              |> wanted config [ 3, absent 10_000L ] []
              |> expectVoters [ 1; 2; 4 ]
              |> ignore

          testCase "without a standby a silent voter is removed only while founding_members remain"
          <| fun () ->
              let known = [ 3, absent 10_000L ]
              voters [ 1; 2; 3 ] |> wanted config known [] |> expectVoters [ 1; 2 ] |> ignore
              voters [ 1; 2; 3 ]
              |> wanted { config with FoundingMembers = 3 } known []
              |> expectVoters [ 1; 2; 3 ]
              |> ignore

          testCase "no change leaves a majority out of reach"
          <| fun () ->
              // 2 is silent for good, but without it the other two would need 3, which can't be reached either.
              voters [ 1; 2; 3 ]
              |> wanted config [ 2, absent 10_000L; 3, absent 5_000L ] []
              |> expectVoters [ 1; 2; 3 ]
              |> ignore

          testCase "learners that are gone are dropped, and those that can't be reached after removal_delay"
          <| fun () ->
              let known = [ 4, { absent 0L with IsGone = true }; 5, absent 10_000L; 6, absent 9_999L ]
              voters [ 1; 2; 3 ]
              |> withLearners [ 4; 5; 6 ]
              |> wanted config known []
              |> expectLearners [ 6 ]
              |> ignore

          testCase "a lone leader that leaves is replaced by standbys, and stays where there is none"
          <| fun () ->
              let leaving current =
                  Autopilot.wanted
                      { config with MaxVoters = 1 }
                      (memberOf 1)
                      true
                      (fun _ -> healthy)
                      []
                      current
              voters [ 1 ] |> withLearners [ 2; 3 ] |> leaving |> expectVoters [ 2 ] |> ignore
              voters [ 1 ] |> leaving |> expectVoters [ 1 ] |> ignore
              voters [ 1; 2 ] |> leaving |> expectVoters [ 1; 2 ] |> ignore

          testCase "there are never more than 256 members"
          <| fun () ->
              let newcomers = [ for number in 10..300 -> memberOf number ]
              let next = wanted config [] newcomers (voters [ 1; 2; 3 ])
              Expect.equal (Configuration.members next).Length Configuration.membersMax "as many as may be"

          testProperty "what it wants is sound, whatever it sees"
          <| Prop.forAll (Arb.fromGen anyGroup) isSound ]
