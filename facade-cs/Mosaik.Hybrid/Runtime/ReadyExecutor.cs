using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Transport;
using Mosaik.Hybrid.Wire;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Carries out a transition in one fixed order: persist, send, apply, complete, notify.</summary>
/// <remarks>Used by the group loop only. The order is the guarantee; nothing else in the runtime orders effects.</remarks>
internal sealed class ReadyExecutor
{
    /// <summary>The most bytes of one append or forward frame; a single larger entry has a frame of its own.</summary>
    private const int FrameBytesMax = 4 * 1024 * 1024;

    private readonly StorageWriter _writer;
    private readonly LogTail _tail;
    private readonly LinkTable _links;
    private readonly PendingCommands _pending;
    private readonly StoredEntries _stored;
    private readonly SnapshotSender _snapshots;
    private readonly GroupMeter _meter;
    private readonly Queue<(ulong After, List<Outgoing> Words)> _held = new();
    private readonly List<ReadOnlyMemory<LogEntry>> _views = [];

    /// <summary>A message, or a head with the entries that it is sent with.</summary>
    private readonly record struct Outgoing(
        Envelope Envelope,
        LogEntry[]? Entries,
        SnapshotBytesRead? Bytes = null
    );

    /// <summary>Creates the executor of one group.</summary>
    public ReadyExecutor(
        StorageWriter writer,
        LogTail tail,
        LinkTable links,
        PendingCommands pending,
        StoredEntries stored,
        SnapshotSender snapshots,
        GroupMeter meter
    )
    {
        _meter = meter;
        _snapshots = snapshots;
        _writer = writer;
        _tail = tail;
        _links = links;
        _pending = pending;
        _stored = stored;
    }

    /// <summary>Makes the batch's writes durable, or begins to. Nothing that depends on them has been sent yet.</summary>
    /// <returns>True when more has become durable.</returns>
    /// <exception cref="StorageException">The store failed.</exception>
    public bool Persist(ReadyBatch ready)
    {
        var durable = false;
        if (ready.InstallThrough != LogPosition.Zero)
        {
            _tail.Clear();
            _stored.ApplyAfter(ready.InstallThrough.Index);
            durable |= _writer.Compact(ready.InstallThrough, ready.Writes.FirstOrDefault()?.HardState);
        }
        else if (ready.CompactThrough != LogPosition.Zero)
        {
            durable |= _writer.Compact(ready.CompactThrough);
        }

        foreach (var write in ready.Writes)
        {
            if (write.TruncateFrom != LogIndex.Zero)
            {
                _tail.TruncateFrom(write.TruncateFrom);
            }

            foreach (var entries in write.Entries)
            {
                _tail.Append(entries);
            }

            durable |= _writer.Enqueue(write);
        }

        return durable;
    }

    /// <summary>Sends the batch's words, or holds them until what they depend on is durable (Raft Figure 2).</summary>
    public void Send(ReadyBatch ready)
    {
        if (_held.Count == 0 && ready.SendAfter <= _writer.Persisted)
        {
            foreach (var envelope in ready.Sends)
            {
                if (TryFill(envelope, out var outgoing))
                {
                    Transmit(outgoing);
                }
            }
        }
        else if (ready.Sends.Count > 0)
        {
            // The entries are taken now: by the time they leave, the log may have changed.
            var words = new List<Outgoing>(ready.Sends.Count);
            foreach (var envelope in ready.Sends)
            {
                if (TryFill(envelope, out var outgoing))
                {
                    words.Add(outgoing);
                }
            }

            _held.Enqueue((ready.SendAfter, words));
        }
    }

    /// <summary>More became durable: sends what waited for it.</summary>
    public void Release()
    {
        while (_held.TryPeek(out var oldest) && oldest.After <= _writer.Persisted)
        {
            _held.Dequeue();
            oldest.Words.ForEach(Transmit);
        }
    }

    /// <summary>Sends entries that came from the store, behind the words that still wait for a write.</summary>
    public void SendStored(EntriesRead read)
    {
        var outgoing = new Outgoing(read.Envelope, read.Entries);
        if (_held.Count > 0)
        {
            _held.Enqueue((_held.Last().After, [outgoing]));
        }
        else
        {
            Transmit(outgoing);
        }
    }

    /// <summary>Sends bytes of a snapshot that came from the store, behind the words that still wait for a write.</summary>
    public void SendStored(SnapshotBytesRead read)
    {
        var outgoing = new Outgoing(new Envelope(read.Link), null, read);
        if (_held.Count > 0)
        {
            _held.Enqueue((_held.Last().After, [outgoing]));
        }
        else
        {
            Transmit(outgoing);
        }
    }

    private bool TryFill(in Envelope envelope, out Outgoing outgoing)
    {
        outgoing = new Outgoing(envelope, null);
        if (envelope is { Snapshot: { } snapshot, Append: { } head })
        {
            _snapshots.Read(envelope.Link, head, snapshot, envelope.Offset, envelope.Count);
            return false;
        }

        if (envelope.Message is BondMessage.Raft { Item: Message.InstallSnapshot offer })
        {
            _snapshots.Offer(envelope.Link, offer.snapshot);
        }

        if (envelope.Append is not null || envelope.Fetched is not null)
        {
            if (!_tail.Holds(envelope.Range))
            {
                _stored.BeginRead(envelope);
                return false;
            }

            outgoing = new Outgoing(envelope, Gather(envelope.Range));
        }
        else if (envelope.Forward is not null)
        {
            var commands = _pending.Collect(envelope.First, envelope.Last, int.MaxValue, int.MaxValue);
            outgoing = new Outgoing(envelope, commands);
        }

        return true;
    }

    private LogEntry[] Gather(LogRange range)
    {
        _views.Clear();
        _tail.Collect(range, _views);
        var entries = new LogEntry[range.Count];
        var at = 0;
        foreach (var view in _views)
        {
            view.Span.CopyTo(entries.AsSpan(at));
            at += view.Length;
        }

        return entries;
    }

    private void Transmit(Outgoing outgoing)
    {
        var (envelope, entries, bytes) = outgoing;
        if (bytes is not null)
        {
            SendBytes(bytes);
        }
        else if (envelope.Message is { } message)
        {
            _links.Send(envelope.Link, LaneOf(message), message);
        }
        else if (envelope.Append is { } header)
        {
            SendEntries(envelope.Link, header, entries);
        }
        else if (envelope.Fetched is { } fetched)
        {
            SendFetched(envelope.Link, fetched, entries);
        }
        else if (envelope.Forward is { } forward)
        {
            SendCommands(envelope.Link, forward, entries ?? []);
        }
    }

    /// <summary>Appends and their like are bulk; votes, answers and reads overtake them.</summary>
    private static FrameLane LaneOf(BondMessage message) =>
        message is BondMessage.Raft { Item: var raft } && (raft.IsAppendEntries || raft.IsForward)
            ? FrameLane.Bulk
            : FrameLane.Control;

    private void SendEntries(long link, AppendHeader header, ReadOnlyMemory<LogEntry> entries)
    {
        while (!entries.IsEmpty)
        {
            var count = FittingCount(entries.Span);
            var part = entries[..count];
            _links.Send(
                link,
                FrameLane.Bulk,
                (header, part),
                static (state, output) => WireWriter.EncodeAppend(state.header, state.part, output)
            );
            entries = entries[count..];
            header = new AppendHeader(
                header.Lineage,
                header.Term,
                header.Session,
                header.Round,
                part.Span[^1].Position,
                header.Commit
            );
        }
    }

    /// <summary>One frame for one question: whoever gets fewer entries than it asked for asks again for the rest.</summary>
    private void SendFetched(long link, FetchedHeader header, ReadOnlyMemory<LogEntry> entries)
    {
        var part = entries[..FittingCount(entries.Span)];
        _meter.EntriesGiven(part.Length);
        _links.Send(
            link,
            FrameLane.Bulk,
            (header, part),
            static (state, output) => WireWriter.EncodeFetched(state.header, state.part, output)
        );
    }

    private void SendBytes(SnapshotBytesRead read)
    {
        var chunk = new SnapshotChunk(read.Offset, read.Bytes.AsMemory(0, read.Count));
        _links.Send(
            read.Link,
            FrameLane.Bulk,
            (read.Header, read.Facts, chunk),
            static (state, output) =>
                WireWriter.EncodeSnapshot(state.Header, state.Facts, state.chunk, output)
        );
        read.Release();
    }

    private void SendCommands(long link, ForwardHeader header, ReadOnlyMemory<LogEntry> commands)
    {
        while (!commands.IsEmpty)
        {
            var count = WholeBatches(commands.Span, FittingCount(commands.Span));
            _links.Send(
                link,
                FrameLane.Bulk,
                (header, part: commands[..count]),
                static (state, output) => WireWriter.EncodeForward(state.header, state.part, output)
            );
            commands = commands[count..];
        }
    }

    private static int FittingCount(ReadOnlySpan<LogEntry> entries)
    {
        var bytes = WireWriter.HeaderSizeMax;
        var count = 0;
        foreach (ref readonly var entry in entries)
        {
            bytes += WireWriter.EncodedSizeMax(entry);
            if (count > 0 && (bytes > FrameBytesMax || count == WireFormat.EntriesMax))
            {
                break;
            }

            count++;
        }

        return count;
    }

    /// <summary>A batch is never cut between two forwards: the last one that does not fit whole goes with the next.</summary>
    private static int WholeBatches(ReadOnlySpan<LogEntry> commands, int count)
    {
        var end = count;
        while (end > 0 && commands[end - 1].BatchRemaining > 0)
        {
            end--;
        }

        if (end > 0)
        {
            return end;
        }

        // A single batch larger than usual: its size is bounded where it is submitted.
        while (commands[count - 1].BatchRemaining > 0)
        {
            count++;
        }

        return count;
    }
}
