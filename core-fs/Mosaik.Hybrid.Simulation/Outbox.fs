namespace Mosaik.Hybrid.Simulation

open System
open System.Buffers
open System.Collections.Generic

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Wire

/// The links of one process, and the words that wait for a write before they may leave (rule 2).
[<Sealed>]
type Outbox(disk: Disk, writes: DiskQueue, silentMax: int, world: ISurroundings) =

    let self = disk.Owner
    let ports = Dictionary<LinkId, IPort>()
    /// How many pings have gone out on a link since anything came on it.
    let pings = Dictionary<LinkId, int>()
    let held = Queue<struct (uint64 * LinkId * MemberId * Message * byte[])>()
    let buffer = ArrayBufferWriter<byte>(4_096)

    let say (line: string) =
        world.Trace.Say(world.Now, $"{Naming.show self} {line}")

    let encode (message: BondMessage) =
        buffer.ResetWrittenCount()
        WireWriter.Encode(message, buffer)
        buffer.WrittenSpan.ToArray()

    let countPing (link: LinkId) =
        let silent =
            match pings.TryGetValue link with
            | true, count -> count
            | false, _ -> 0
        pings[link] <- silent + 1
        if silent > silentMax then
            Rules.break' Rules.bonds $"{Naming.show self} keeps link {link} after {silent} silent heartbeats"

    let check (link: LinkId) (message: BondMessage) =
        match message with
        | BondMessage.Hello hello when not hello.Lineage.IsNone && hello.Lineage <> disk.Lineage ->
            Rules.break'
                Rules.durableFirst
                $"{Naming.show self} says that it is of lineage {hello.Lineage}, which is not on its disk"
        | BondMessage.Ping -> countPing link
        | _ -> ()

    let hold (after: uint64) (link: LinkId) (recipient: MemberId) (message: Message) (frame: byte[]) =
        if world.Trace.IsOn then
            say $"-> {Naming.show recipient} {Show.message message}"
        held.Enqueue(struct (after, link, recipient, message, frame))

    member _.Attach(link: LinkId, port: IPort) = ports.Add(link, port)
    member _.Detach(link: LinkId) = ports.Remove link
    member _.Has(link: LinkId) = ports.ContainsKey link
    member _.IsHonest(link: LinkId) = ports[link].IsHonest
    member _.Clear() = ports.Clear()

    /// Something came on a link.
    member _.Heard(link: LinkId) = pings.Remove link |> ignore

    /// Holds a word until the write of this sequence is durable. Entries are taken now: by the time they leave, the
    /// log may have changed.
    member _.Hold(after: uint64, link: LinkId, recipient: MemberId, message: Message) =
        hold after link recipient message (encode (BondMessage.Raft message))

    /// Lets words go whose write is durable; `last` is the sequence of the last write.
    member _.Release(last: uint64) =
        let durable = writes.DurableSequence last
        let mutable goesOn = held.Count > 0
        while goesOn do
            let struct (after, link, recipient, message, frame) = held.Peek()
            if after <= durable then
                held.Dequeue() |> ignore
                world.Oracle.OnLeave(self, disk, recipient, message)
                world.Mix(Chain.ofBytes (ReadOnlySpan frame))
                match ports.TryGetValue link with
                | true, port -> port.Send(frame, ValueSome(MessageKinds.ofMessage message))
                | false, _ -> ()
                goesOn <- held.Count > 0
            else
                goesOn <- false

    /// Says a word of the bond, at once.
    member _.Say(link: LinkId, message: BondMessage) =
        check link message
        match ports.TryGetValue link with
        | true, port ->
            if world.Trace.IsOn then
                say $"on link {link}: {Show.bond message}"
            port.Send(encode message, ValueNone)
        | false, _ -> ()

    /// Closes a link with its last word. Members that keep the rules give each other no reason for an alarm.
    member this.Close(link: LinkId, reason: CloseReason, evidence: string) =
        match ports.TryGetValue link with
        | true, port ->
            let isAlarm = reason = CloseReason.ProtocolViolation || reason = CloseReason.InvalidHandshake
            if port.IsHonest && isAlarm then
                Rules.break' Rules.noFalseAlarm $"{Naming.show self} closes link {link}: {reason} {evidence}"
            this.Say(link, BondMessage.Close reason)
            ports.Remove link |> ignore
            port.Close()
        | false, _ -> ()
