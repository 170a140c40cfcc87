/// Messages as values that `=` compares and `%A` prints: memory by its bytes, not by its address.
module Mosaik.Hybrid.Core.Tests.Support.Shape

open System

open Mosaik.Hybrid
open Mosaik.Hybrid.Core

let private hex (bytes: ReadOnlyMemory<byte>) = Convert.ToHexStringLower bytes.Span

let ofEntry (entry: LogEntry) : obj list =
    [ entry.Index.Value
      entry.Term.Value
      entry.Kind
      entry.BatchRemaining
      entry.Timestamp
      entry.Proposer
      entry.Number
      hex entry.Payload ]

let private ofEntries (entries: ReadOnlyMemory<LogEntry>) =
    [ for entry in entries.ToArray() -> ofEntry entry ]

let private ofRaft (message: Message) : obj list =
    match message with
    | Message.RequestVote request -> [ "RequestVote"; request ]
    | Message.RequestVoteReply reply -> [ "RequestVoteReply"; reply ]
    | Message.AppendEntries(header, entries) -> [ "AppendEntries"; header; ofEntries entries ]
    | Message.AppendEntriesReply reply -> [ "AppendEntriesReply"; reply ]
    | Message.InstallSnapshot(header, snapshot, chunk) ->
        [ "InstallSnapshot"; header; snapshot; chunk.Offset; hex chunk.Data ]
    | Message.ReadIndex request -> [ "ReadIndex"; request ]
    | Message.ReadIndexReply reply -> [ "ReadIndexReply"; reply ]
    | Message.Forward(header, commands) -> [ "Forward"; header; ofEntries commands ]
    | Message.ForwardReply reply -> [ "ForwardReply"; reply ]
    | Message.CatchUp(header, plan) -> [ "CatchUp"; header; plan ]
    | Message.FetchEntries request -> [ "FetchEntries"; request ]
    | Message.FetchedEntries(header, entries) -> [ "FetchedEntries"; header; ofEntries entries ]
    | Message.TimeoutNow order -> [ "TimeoutNow"; order ]
    | Message.HandOver request -> [ "HandOver"; request ]
    | Message.Depart notice -> [ "Depart"; notice ]
    | Message.Departed notice -> [ "Departed"; notice ]
    | Message.Survey request -> [ "Survey"; request ]
    | Message.SurveyReply reply -> [ "SurveyReply"; reply ]

let ofMessage (message: BondMessage) : obj list =
    match message with
    | BondMessage.Hello hello -> [ "Hello"; hello ]
    | BondMessage.Proof proof -> [ "Proof"; proof.Mac; hex proof.Entry ]
    | BondMessage.Welcome -> [ "Welcome" ]
    | BondMessage.Ping -> [ "Ping" ]
    | BondMessage.Pong -> [ "Pong" ]
    | BondMessage.PeerChanged entry -> [ "PeerChanged"; hex entry ]
    | BondMessage.Affiliated lineage -> [ "Affiliated"; lineage ]
    | BondMessage.Departing -> [ "Departing" ]
    | BondMessage.Close reason -> [ "Close"; reason ]
    | BondMessage.Raft message -> "Raft" :: ofRaft message
