module Mosaik.Hybrid.Core.Tests.Bond.HandshakeTests

open System

open Expecto
open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Simulation
open Mosaik.Hybrid.Core.Tests.Support

let private reasonsAt (place: int) (peers: Peers) =
    peers.Closed
    |> List.choose (fun struct (at, reason) -> if at = place then Some reason else None)

let private dialled (peers: Peers) =
    peers.Dial(0, 1L)
    peers.Settle()
    peers

let private refusedWith (reason: CloseReason) (peers: Peers) =
    Expect.isEmpty (peers.Bonds 0) "no bond at the dialler"
    Expect.isEmpty (peers.Bonds 1) "no bond at the acceptor"
    Expect.isTrue
        (peers.Closed |> List.forall (fun struct (_, closed) -> closed = reason)
         && not peers.Closed.IsEmpty)
        $"closed with {reason}, not {peers.Closed}"

/// The acceptor's answer to frames that come out of place.
let private saysOutOfPlace (messages: BondMessage list) (reason: CloseReason) =
    let peers = Peers.friendly ()
    peers.Give(1, GroupInput.LinkOpened(7L, Naming.peer 1, false, Bytes32.Zero))
    for message in messages do
        peers.Give(1, GroupInput.Received(7L, message))
    Expect.equal (reasonsAt 1 peers) [ reason ] "typed reason"
    Expect.isEmpty (Map.toList (peers.State 1).Bonds) "the link is forgotten"

/// What a member that votes alone tells in its hello, after these inputs at the end of its election timeout.
let private lineageTold (stored: StoredState) (inputs: GroupInput list) =
    let config = { Consensus = ConsensusConfig.defaults; Preference = NodePreference.normal }
    let clock (at: int64) = { Now = Instant at; Wall = at }
    let state = Group.restore config (clock 0L) 1UL (NetworkId Bytes32.Zero) (GroupId Bytes32.Zero) stored
    let dial = GroupInput.LinkOpened(1L, Naming.peer 2, true, Bytes32.Zero)
    let stepped = Group.stepAll config (clock 10_000L) inputs state
    (Group.step config (clock 10_000L) dial stepped.State).Outputs
    |> List.pick (fun output ->
        match output with
        | GroupOutput.SendBond(_, BondMessage.Hello hello) -> Some hello.Lineage
        | _ -> None)

let private helloOf (number: int) (nonce: Bytes32) =
    { VersionMin = 1us
      VersionMax = 1us
      Network = NetworkId Bytes32.Zero
      Group = GroupId Bytes32.Zero
      Nonce = nonce
      Member = Naming.memberOf number 1
      Lineage = Lineage.None
      Preference = LeadershipPreference.Normal
      HasCommands = false }

let private someNonce = Bytes32.FromBytes(ReadOnlySpan(Array.create 32 9uy))

[<Tests>]
let tests =
    testList
        "Bond/Handshake"
        [ testCase "two members of one group bond"
          <| fun () ->
              let peers = dialled (Peers.friendly ())
              Expect.equal (peers.Bonds 0) [ 1L ] "at the dialler"
              Expect.equal (peers.Bonds 1) [ 1L ] "at the acceptor"

          testCase "a bond tells consensus whom it can reach"
          <| fun () ->
              let peers = dialled (Peers.friendly ())
              Expect.isTrue ((peers.State 0).Raft.Bonded.ContainsKey(Naming.memberOf 2 1)) "reachable"

          testCase "another network is refused"
          <| fun () ->
              Peers.differing (fun identity -> { identity with Network = NetworkId someNonce })
              |> dialled
              |> refusedWith CloseReason.DifferentNetwork

          testCase "another group is refused"
          <| fun () ->
              Peers.differing (fun identity -> { identity with Group = GroupId someNonce })
              |> dialled
              |> refusedWith CloseReason.GroupNotFound

          testCase "a peer in somebody else's name is refused"
          <| fun () ->
              Peers.differing (fun identity -> { identity with Member = Naming.memberOf 3 1 })
              |> fun peers ->
                  peers.Give(0, GroupInput.LinkOpened(1L, Naming.peer 2, true, Bytes32.Zero))
                  peers.Give(1, GroupInput.LinkOpened(1L, Naming.peer 1, false, someNonce))
                  peers.Settle()
                  peers
              |> refusedWith CloseReason.InvalidHandshake

          testCase "a wrong proof is refused by the acceptor"
          <| fun () ->
              Peers.judged 1 Credentials.WrongProof
              |> dialled
              |> refusedWith CloseReason.InvalidProof

          testCase "a wrong proof is refused by the dialler, and the acceptor never bonds"
          <| fun () ->
              Peers.judged 0 Credentials.WrongProof
              |> dialled
              |> refusedWith CloseReason.InvalidProof

          testCase "a peer without a ticket is refused by either end"
          <| fun () ->
              for judge in 0..1 do
                  Peers.judged judge Credentials.NotAllowed
                  |> dialled
                  |> refusedWith CloseReason.NotAllowed

          testCase "an entry that is not the peer's is refused"
          <| fun () ->
              Peers.judged 1 Credentials.Malformed
              |> dialled
              |> refusedWith CloseReason.InvalidHandshake

          testCase "a version that is not spoken here is refused"
          <| fun () ->
              let hello = { helloOf 1 someNonce with VersionMin = 2us; VersionMax = 9us }
              saysOutOfPlace [ BondMessage.Hello hello ] CloseReason.UnsupportedVersion

          testCase "an empty range of versions is refused"
          <| fun () ->
              let hello = { helloOf 1 someNonce with VersionMin = 1us; VersionMax = 0us }
              saysOutOfPlace [ BondMessage.Hello hello ] CloseReason.UnsupportedVersion

          testCase "our own hello sent back is refused"
          <| fun () ->
              saysOutOfPlace [ BondMessage.Hello(helloOf 1 Bytes32.Zero) ] CloseReason.InvalidHandshake

          testCase "consensus before the handshake is refused"
          <| fun () ->
              let request: ReadIndex = { Lineage = Name.lineage 1; Term = Term 1UL; Request = 1UL }
              saysOutOfPlace [ BondMessage.Raft(Message.ReadIndex request) ] CloseReason.InvalidHandshake

          testCase "a proof before the hello is refused"
          <| fun () ->
              let proof = { Mac = Bytes32.Zero; Entry = ReadOnlyMemory.Empty }
              saysOutOfPlace [ BondMessage.Proof proof ] CloseReason.InvalidHandshake

          testCase "a welcome before the proof is refused"
          <| fun () ->
              saysOutOfPlace
                  [ BondMessage.Hello(helloOf 1 someNonce); BondMessage.Welcome ]
                  CloseReason.InvalidHandshake

          testCase "a second hello is refused"
          <| fun () ->
              let hello = BondMessage.Hello(helloOf 1 someNonce)
              saysOutOfPlace [ hello; hello ] CloseReason.InvalidHandshake

          testCase "a lineage that is on the disk is told, whatever else is on its way there"
          <| fun () ->
              let alone = Configuration.ofVoters [ Naming.memberOf 1 1 ]
              let first =
                  { Scenario.foundation 1 with
                      Payload = ReadOnlyMemory(Configuration.encode Scenario.theLineage alone) }
              let hard: HardState =
                  { Member = Naming.memberOf 1 1
                    Session = 1UL
                    Lineage = Scenario.theLineage
                    CurrentTerm = Term 1UL
                    VotedFor = null
                    Acknowledged = LogPosition.Zero }
              let founded =
                  { State.fresh hard with
                      Outline = LogOutline.append (ReadOnlyMemory [| first |]) LogOutline.empty
                      Configurations = [ struct (LogIndex 1UL, alone) ] }
              // Its vote for itself is on its way to the disk.
              Expect.equal (lineageTold founded [ GroupInput.Tick ]) Scenario.theLineage "it is durable"
              // And so is the lineage that it founds.
              let fresh = State.fresh { hard with Lineage = Lineage.None; CurrentTerm = Term.Zero }
              Expect.equal (lineageTold fresh [ GroupInput.Tick ]) Lineage.None "it is not durable yet"

          testCase "a hello on a formed bond breaks the protocol"
          <| fun () ->
              let peers = dialled (Peers.friendly ())
              peers.Give(1, GroupInput.Received(1L, BondMessage.Hello(helloOf 1 someNonce)))
              Expect.equal (reasonsAt 1 peers) [ CloseReason.ProtocolViolation ] "typed reason"
              Expect.isEmpty (peers.Bonds 1) "the bond is gone"

          testCase "nothing is said of the group before the proof is checked"
          <| fun () ->
              let peers = Peers.judged 1 Credentials.WrongProof
              peers.Dial(0, 1L)
              peers.Settle()
              Expect.isFalse ((peers.State 0).Raft.Bonded.ContainsKey(Naming.memberOf 2 1)) "never reachable"
              Expect.isFalse ((peers.State 1).Raft.Bonded.ContainsKey(Naming.memberOf 1 1)) "never reachable"

          testCase "a verdict on a link that is gone changes nothing"
          <| fun () ->
              let peers = dialled (Peers.friendly ())
              peers.Give(0, GroupInput.Checked(44L, Credentials.WrongProof))
              Expect.equal (peers.Bonds 0) [ 1L ] "the bond stands"

          testCase "a node that leaves tells its bonds"
          <| fun () ->
              let peers = dialled (Peers.friendly ())
              peers.Give(0, GroupInput.Close)
              peers.Settle()
              Expect.isEmpty (peers.Bonds 1) "the other end knows"
              Expect.contains (reasonsAt 1 peers) CloseReason.GracefulShutdown "and why"

          testCase "a node that leaves takes no more links"
          <| fun () ->
              let peers = dialled (Peers.friendly ())
              peers.Give(0, GroupInput.Close)
              peers.Dial(1, 2L)
              peers.Settle()
              Expect.isEmpty (peers.Bonds 0) "none at the leaver"
              Expect.isEmpty (peers.Bonds 1) "none at the other"

          testCase "links in the middle of their handshake are bounded"
          <| fun () ->
              let peers = Peers.friendly ()
              for link in 1L .. int64 BondLimits.handshakesMax + 50L do
                  peers.Give(1, GroupInput.LinkOpened(link, Naming.peer 1, false, someNonce))
              Expect.equal (peers.State 1).Bonds.Count BondLimits.handshakesMax "no more than the bound" ]
