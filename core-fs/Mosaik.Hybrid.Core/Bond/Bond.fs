namespace Mosaik.Hybrid.Core

open System

open Mosaik.Hybrid

/// What a step of one link came to.
[<RequireQualifiedAccess; NoEquality; NoComparison>]
type BondResult =
    /// The link goes on.
    | Open of Bond
    /// The handshake is complete: the caller decides about lineage and duplicates, then `Bonds.form`.
    | Formed of Bond
    /// The peer's words are for consensus.
    | Raft of Bond * Message
    /// The peer says that its log belongs to this lineage.
    | Affiliated of Bond * Lineage
    /// The link is to be forgotten.
    | Ended of CloseReason

/// One link as a state machine: `step`. Nothing that a peer sends can make it throw; what does not belong where
/// it comes closes the link with a typed reason.
[<RequireQualifiedAccess>]
module Bonds =

    let private close (bond: Bond) (reason: CloseReason) : struct (BondResult * BondOutput list) =
        struct (BondResult.Ended reason, [ BondOutput.Close(bond.Link, reason) ])

    let private go (bond: Bond) (outputs: BondOutput list) : struct (BondResult * BondOutput list) =
        struct (BondResult.Open bond, outputs)

    /// A link that has just opened: the dialler speaks first.
    let opened
        (identity: BondIdentity)
        (now: Instant)
        (lineage: Lineage)
        hasCommands
        link
        peer
        isDialler
        nonce
        =
        let hello =
            { VersionMin = BondLimits.versionMin
              VersionMax = BondLimits.versionMax
              Network = identity.Network
              Group = identity.Group
              Nonce = nonce
              Member = identity.Member
              Lineage = lineage
              Preference = identity.Preference
              HasCommands = hasCommands }
        let bond =
            { Link = link
              Peer = peer
              IsDialler = isDialler
              Phase = BondPhase.Greeting
              Mine = hello
              Theirs = ValueNone
              DueAt = now.Plus BondLimits.handshakeTimeout
              Heard = true
              Missed = 0
              TicketsDueAt = Instant.Never
              Rechecking = false }
        struct (bond,
                (if isDialler then
                     [ BondOutput.Say(link, BondMessage.Hello hello) ]
                 else
                     []))

    let private onHello (identity: BondIdentity) (hello: Hello) (bond: Bond) =
        match Handshake.judgeHello identity bond hello with
        | ValueSome reason -> close bond reason
        | ValueNone ->
            let bond = { bond with Phase = BondPhase.Proving; Theirs = ValueSome hello }
            if bond.IsDialler then
                go bond [ BondOutput.Prove(bond.Link, bond.Mine, hello, true) ]
            else
                go bond [ BondOutput.Say(bond.Link, BondMessage.Hello bond.Mine) ]

    let private onProof (theirs: Hello) (proof: Proof) (bond: Bond) =
        go
            { bond with Phase = BondPhase.Checking }
            [ BondOutput.Check(bond.Link, bond.Mine, theirs, bond.IsDialler, proof) ]

    /// The runtime has looked at the peer's proof and tickets.
    let onChecked (credentials: Credentials) (bond: Bond) =
        let ticketsDueAt =
            match credentials with
            | Credentials.Good dueAt -> dueAt
            | Credentials.WrongProof
            | Credentials.NotAllowed
            | Credentials.Malformed -> Instant.Never
        match bond.Phase, Handshake.judgeCredentials credentials with
        | (BondPhase.Checking | BondPhase.Bonded), ValueSome reason -> close bond reason
        | BondPhase.Checking, ValueNone ->
            struct (BondResult.Formed { bond with TicketsDueAt = ticketsDueAt }, [])
        | BondPhase.Bonded, ValueNone -> go { bond with TicketsDueAt = ticketsDueAt; Rechecking = false } []
        | (BondPhase.Greeting | BondPhase.Proving | BondPhase.Welcoming), _ ->
            // An answer to a question of an earlier link state; the question is void.
            go bond []

    /// The next words of a link whose peer may bond: the acceptor proves itself and waits to be welcomed, the
    /// dialler, who has checked last, welcomes.
    let form (bond: Bond) (theirs: Hello) : struct (Bond * BondOutput list) =
        if bond.IsDialler then
            struct ({ bond with Phase = BondPhase.Bonded }, [ BondOutput.Say(bond.Link, BondMessage.Welcome) ])
        else
            struct ({ bond with Phase = BondPhase.Welcoming },
                    [ BondOutput.Prove(bond.Link, bond.Mine, theirs, false) ])

    let private onBonded (message: BondMessage) (bond: Bond) : struct (BondResult * BondOutput list) =
        match message with
        | BondMessage.Raft message -> struct (BondResult.Raft(bond, message), [])
        | BondMessage.Ping -> go bond [ BondOutput.Say(bond.Link, BondMessage.Pong) ]
        | BondMessage.Pong -> go bond []
        | BondMessage.PeerChanged entry -> go bond [ BondOutput.Recheck(bond.Link, entry) ]
        | BondMessage.Affiliated lineage -> struct (BondResult.Affiliated(bond, lineage), [])
        | BondMessage.Departing -> close bond CloseReason.GracefulShutdown
        | BondMessage.Close reason ->
            struct (BondResult.Ended reason, [ BondOutput.Close(bond.Link, reason) ])
        | BondMessage.Hello _
        | BondMessage.Proof _
        | BondMessage.Welcome -> close bond CloseReason.ProtocolViolation

    /// The peer said something.
    let onReceived
        (identity: BondIdentity)
        (message: BondMessage)
        (bond: Bond)
        : struct (BondResult * BondOutput list) =
        // Noted once a heartbeat, so that a busy bond is not copied for every frame.
        let bond = if bond.Heard then bond else { bond with Heard = true }
        match bond.Phase, message, bond.Theirs with
        | BondPhase.Bonded, _, _ -> onBonded message bond
        | _, BondMessage.Close reason, _ ->
            struct (BondResult.Ended reason, [ BondOutput.Close(bond.Link, reason) ])
        | BondPhase.Greeting, BondMessage.Hello hello, _ -> onHello identity hello bond
        | BondPhase.Proving, BondMessage.Proof proof, ValueSome theirs -> onProof theirs proof bond
        | BondPhase.Welcoming, BondMessage.Welcome, _ ->
            struct (BondResult.Formed { bond with Phase = BondPhase.Welcoming }, [])
        | (BondPhase.Greeting | BondPhase.Proving | BondPhase.Checking | BondPhase.Welcoming), _, _ ->
            close bond CloseReason.InvalidHandshake
