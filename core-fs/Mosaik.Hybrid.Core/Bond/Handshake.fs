namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// Who may bond, checked in a fixed order, each refusal with its reason: network, group, version, proof, tickets,
/// lineage, duplicate. Proofs and tickets arrive as facts: the secret and the clock of tickets stay outside.
[<RequireQualifiedAccess>]
module Handshake =

    /// The first check: does the other end's hello fit ours?
    let judgeHello (identity: BondIdentity) (bond: Bond) (hello: Hello) : CloseReason voption =
        if hello.Network <> identity.Network then
            ValueSome CloseReason.DifferentNetwork
        elif hello.Group <> identity.Group then
            ValueSome CloseReason.GroupNotFound
        elif
            hello.VersionMax < BondLimits.versionMin
            || hello.VersionMin > BondLimits.versionMax
        then
            ValueSome CloseReason.UnsupportedVersion
        elif hello.Member.Peer <> bond.Peer || hello.VersionMin > hello.VersionMax then
            // A hello in the name of somebody else than the one whose key opened the link.
            ValueSome CloseReason.InvalidHandshake
        elif hello.Nonce = bond.Mine.Nonce || hello.Member.Peer = identity.Member.Peer then
            // Our own words come back.
            ValueSome CloseReason.InvalidHandshake
        else
            ValueNone

    /// The check of what the runtime found.
    let judgeCredentials (credentials: Credentials) : CloseReason voption =
        match credentials with
        | Credentials.Good _ -> ValueNone
        | Credentials.WrongProof -> ValueSome CloseReason.InvalidProof
        | Credentials.NotAllowed -> ValueSome CloseReason.NotAllowed
        | Credentials.Malformed -> ValueSome CloseReason.InvalidHandshake

    /// Two members of different lineages never bond (rule 13).
    let isForeign (own: Lineage) (theirs: Lineage) =
        not own.IsNone && not theirs.IsNone && own <> theirs

    let private dialler (self: PeerId) (bond: Bond) =
        if bond.IsDialler then self else bond.Peer

    /// Of two links between the same two peers both ends keep the same one: that of a newer life of the peer; the
    /// later one if one end dialled both (its former link is dead to it); else the one that the lower id dialled.
    let replaces (self: PeerId) (existing: Bond) (fresh: Bond) =
        let sameMember =
            match existing.Theirs, fresh.Theirs with
            | ValueSome former, ValueSome current -> former.Member.Equals current.Member
            | ValueSome _, ValueNone
            | ValueNone, ValueSome _
            | ValueNone, ValueNone -> false
        if not sameMember then true
        elif existing.IsDialler = fresh.IsDialler then true
        else dialler self fresh = min self fresh.Peer
