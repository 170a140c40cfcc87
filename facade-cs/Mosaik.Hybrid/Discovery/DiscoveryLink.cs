using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Transport;
using Mosaik.Hybrid.Wire;

namespace Mosaik.Hybrid.Discovery;

/// <summary>One discovery link: decodes and checks what comes, encodes what goes.</summary>
/// <remarks>
/// Checks run here, off the loop, one message of a link at a time; the next is read only when the loop has
/// taken the last, so that a peer can't make more work than it waits for itself.
/// </remarks>
internal sealed class DiscoveryLink : IAsyncDisposable
{
    /// <summary>The greatest length of a frame once the peer has shown its entry: 1 MiB.</summary>
    public const int ReceiveLimit = 1024 * 1024;

    /// <summary>How many bytes may wait for a slow peer before its link is aborted: 8 MiB.</summary>
    public const long OutboundBytesMax = 8 * 1024 * 1024;

    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    private readonly FramedLink _frames;
    private readonly DiscoveryLoop _loop;
    private bool _greeted;
    private volatile bool _closing;

    public DiscoveryLink(
        long id,
        ILink link,
        DiscoveryLoop loop,
        TimeProvider timeProvider,
        LinkTraffic? traffic
    )
    {
        Id = id;
        Peer = link.RemotePeer;
        _loop = loop;
        _frames = new FramedLink(link, timeProvider, OutboundBytesMax, traffic);
    }

    /// <summary>The number by which the core knows the link.</summary>
    public long Id { get; }

    /// <summary>Who is at the other end, proved by the transport.</summary>
    public PeerId Peer { get; }

    /// <summary>Where the other end is, for diagnostics.</summary>
    public string RemoteAddress => _frames.Link.RemoteAddress;

    /// <summary>Receives until the link ends, for whatever reason, and is released.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (await _frames.ReceiveAsync().ConfigureAwait(false) is { } body)
            {
                await _loop.DeliverAsync(this, Check(Decode(body))).ConfigureAwait(false);
            }

            // The peer ended the stream; what we still had to say to it nobody reads.
            if (!_closing)
            {
                _frames.Abort();
            }
        }
        catch (ViolationException violation)
        {
            _loop.ReportViolation(this, violation.Message);
            await CloseAsync(violation.Reason).ConfigureAwait(false);
        }
        catch (FrameException malformed)
        {
            _loop.ReportViolation(this, malformed.Message);
            await CloseAsync(CloseReason.ProtocolViolation).ConfigureAwait(false);
        }
        catch (Exception broken)
        {
            // Whatever went wrong on this link ends this link and nothing else.
            DiscoveryEvents.LinkBroke(_loop.Logger, Peer.Short, broken.Message);
            _frames.Abort();
        }

        // A close under way releases the link itself, after its linger.
        await _frames.Completion.ConfigureAwait(false);
    }

    /// <summary>Queues a message. A peer that reads too slowly to take it loses the link, and nothing else waits.</summary>
    public void Send(GossipMessage<SignedRecord> message)
    {
        // One lane for all: the order of messages is part of the protocol.
        var isQueued = _frames.TrySend(
            FrameLane.Control,
            message,
            static (message, writer) => DiscoveryWire.Encode(message, writer)
        );
        if (!isQueued && !_closing && !_frames.Completion.IsCompleted)
        {
            if (_frames.OutboundBytes > 0)
            {
                _loop.ReportSlow(this);
            }

            _frames.Abort();
        }
    }

    /// <summary>Sends what waits and the reason, gives the peer half a second to take it, and ends the link.</summary>
    public async Task CloseAsync(CloseReason reason)
    {
        _closing = true;
        var writer = new System.Buffers.ArrayBufferWriter<byte>();
        DiscoveryWire.Encode(GossipMessage<SignedRecord>.NewClose(reason), writer);
        await _frames.CloseAsync(writer.WrittenMemory, Linger).ConfigureAwait(false);
    }

    /// <summary>Breaks the link at once.</summary>
    public void Abort() => _frames.Abort();

    /// <summary>Breaks the link at once and waits until it is released.</summary>
    public ValueTask DisposeAsync() => _frames.DisposeAsync();

    private static GossipMessage<ReadOnlyMemory<byte>> Decode(ReadOnlyMemory<byte> body) =>
        DiscoveryWire.TryDecode(body, out var message, out var fault)
            ? message
            : throw new ViolationException(CloseReason.ProtocolViolation, "A message is malformed. " + fault);

    private GossipMessage<SignedRecord> Check(GossipMessage<ReadOnlyMemory<byte>> message)
    {
        var raw = DiscoveryWire.RecordsIn(message);
        if (!_greeted && !message.IsClose)
        {
            Greet(message, raw);
        }

        List<SignedRecord> records = [];
        foreach (var signed in raw)
        {
            if (CheckRecord(signed) is { } record)
            {
                records.Add(record);
            }
        }

        return DiscoveryWire.WithRecords(message, [.. records]);
    }

    // The first message shows whom we deal with: exactly the peer's own entry, of our network.
    private void Greet(GossipMessage<ReadOnlyMemory<byte>> message, ReadOnlyMemory<byte>[] raw)
    {
        if (!message.IsRecords || raw.Length != 1 || TakeApart(raw[0]).Record.Peer != Peer)
        {
            throw new ViolationException(
                CloseReason.ProtocolViolation,
                "The first message is not the peer's own entry."
            );
        }

        _greeted = true;
        _frames.ReceiveLimit = ReceiveLimit;
    }

    private SignedRecord? CheckRecord(ReadOnlyMemory<byte> signed)
    {
        var parts = TakeApart(signed);
        if (CatalogModule.IsForeign(_loop.Network, parts.Record))
        {
            throw new ViolationException(CloseReason.DifferentNetwork, "An entry is of another network.");
        }

        // Most of what is passed on is known already: only news is worth the check of a signature.
        if (!_loop.IsNews(parts.Record))
        {
            return null;
        }

        return PeerEntrySigner.Verify(parts, signed)
            ?? throw new ViolationException(
                CloseReason.ProtocolViolation,
                $"The entry of peer {parts.Record.Peer.Short} is not signed by it."
            );
    }

    private static SignedParts TakeApart(ReadOnlyMemory<byte> signed) =>
        DiscoveryRecords.TryTakeApart(signed, out var parts, out var fault)
            ? parts
            : throw new ViolationException(CloseReason.ProtocolViolation, "An entry is malformed. " + fault);

    /// <summary>The peer broke the protocol: only its link ends.</summary>
    private sealed class ViolationException(CloseReason reason, string message) : Exception(message)
    {
        public CloseReason Reason { get; } = reason;
    }
}
