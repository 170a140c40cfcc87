using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Transport;
using Mosaik.Hybrid.Wire;

namespace Mosaik.Hybrid.Runtime;

/// <summary>One link of a group: frames in, frames out.</summary>
/// <remarks>
/// Reads on a task of its own and posts what it decodes to the group loop. What the loop has not processed is
/// bounded by bytes; until the bond is formed it is one frame, so that limits are raised in time.
/// </remarks>
internal sealed class BondConnection
{
    private const int ReceiveLimitBonded = 16 * 1024 * 1024;
    private const long UnprocessedMax = 8 * 1024 * 1024;
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ByteGate _gate = new();

    /// <summary>Takes over a link.</summary>
    public BondConnection(long id, FramedLink frames, bool isDialler, CredentialWatch credentials)
    {
        Credentials = credentials;
        Id = id;
        Frames = frames;
        IsDialler = isDialler;
    }

    /// <summary>The link's name in the core.</summary>
    public long Id { get; }

    /// <summary>The frames.</summary>
    public FramedLink Frames { get; }

    /// <summary>True when this node dialled.</summary>
    public bool IsDialler { get; }

    /// <summary>Who is at the other end.</summary>
    public PeerId Peer => Frames.Link.RemotePeer;

    /// <summary>The member that the bond was formed with; null before. Set by the group loop.</summary>
    public MemberId? Member { get; private set; }

    /// <summary>Looks at the peer's tickets.</summary>
    public CredentialWatch Credentials { get; }

    /// <summary>What ended the link, for the operator; empty before. Set by the group loop.</summary>
    public string Evidence { get; set; } = "";

    /// <summary>This node's entry as the peer was last told it. Set by the group loop.</summary>
    public ReadOnlyMemory<byte> Told { get; set; }

    /// <summary>Completes when the link is gone.</summary>
    public Task Ended => _ended.Task;

    /// <summary>The peer may bond, or has: larger frames are allowed from now on. Called by the group loop.</summary>
    /// <remarks>Before the peer is welcomed, for it may answer at once with all that this node lacks.</remarks>
    public void AllowLargeFrames() => Frames.ReceiveLimit = ReceiveLimitBonded;

    /// <summary>The bond is formed. Called by the group loop.</summary>
    public void OnFormed(MemberId member)
    {
        Member = member;
        Credentials.IsMember = true;
        AllowLargeFrames();
    }

    /// <summary>The loop has processed a frame of this size.</summary>
    public void OnProcessed(int bytes) => _gate.Leave(bytes);

    /// <summary>Queues a message; false when the peer is too slow or gone.</summary>
    public bool Send(FrameLane lane, BondMessage message) =>
        Frames.TrySend(lane, message, static (message, output) => WireWriter.Encode(message, output));

    /// <summary>Reads until the link ends, and posts what comes.</summary>
    public async Task ReceiveAsync(Action<object> post, FrameArrived? first)
    {
        var reason = CloseReason.UnexpectedClose;
        var evidence = "the stream ended";
        try
        {
            if (first is not null)
            {
                await HandOverAsync(post, first).ConfigureAwait(false);
            }

            while (await Frames.ReceiveAsync().ConfigureAwait(false) is { } frame)
            {
                if (!WireReader.TryDecode(frame, out var message, out var error))
                {
                    reason = Member is null ? CloseReason.InvalidHandshake : CloseReason.ProtocolViolation;
                    evidence = error.Describe();
                    break;
                }

                await HandOverAsync(post, new FrameArrived(this, message, frame.Length))
                    .ConfigureAwait(false);
            }
        }
        catch (FrameException exception)
        {
            reason = Member is null ? CloseReason.InvalidHandshake : CloseReason.ProtocolViolation;
            evidence = exception.Message;
        }
        catch (Exception exception)
        {
            // Whatever a transport throws, the link is gone, and the loop must learn of it.
            evidence = exception.Message;
        }

        post(new LinkEnded(this, reason, evidence));
    }

    private async ValueTask HandOverAsync(Action<object> post, FrameArrived frame)
    {
        _gate.Enter(frame.Bytes);
        post(frame);
        // A handshake is a conversation: nothing is read ahead. Afterwards a bounded number of bytes is.
        await _gate.WaitUntilAtMostAsync(Member is null ? 0 : UnprocessedMax).ConfigureAwait(false);
    }

    /// <summary>Says why and closes. Safe more than once.</summary>
    public async Task CloseAsync(CloseReason reason)
    {
        _gate.Open();
        var last = new System.Buffers.ArrayBufferWriter<byte>(16);
        WireWriter.Encode(BondMessage.NewClose(reason), last);
        try
        {
            await Frames.CloseAsync(last.WrittenMemory, Linger).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // However badly a transport closes, nobody waits for this link any longer.
            Frames.Abort();
        }
        finally
        {
            _ended.TrySetResult();
        }
    }
}

/// <summary>A frame came over a link.</summary>
internal sealed record FrameArrived(BondConnection Connection, BondMessage Message, int Bytes);

/// <summary>A link ended, or sent what is no message.</summary>
internal sealed record LinkEnded(BondConnection Connection, CloseReason Reason, string Evidence);

/// <summary>Counts bytes on their way from one producer to one consumer, and lets the producer wait.</summary>
internal sealed class ByteGate
{
    private readonly Lock _lock = new();
    private long _bytes;
    private long _threshold;
    private bool _isOpen;
    private TaskCompletionSource? _waiter;

    /// <summary>Adds bytes; never waits.</summary>
    public void Enter(int bytes)
    {
        lock (_lock)
        {
            _bytes += bytes;
        }
    }

    /// <summary>Removes bytes.</summary>
    public void Leave(int bytes)
    {
        TaskCompletionSource? waiter = null;
        lock (_lock)
        {
            _bytes -= bytes;
            if (_waiter is not null && _bytes <= _threshold)
            {
                waiter = _waiter;
                _waiter = null;
            }
        }

        waiter?.TrySetResult();
    }

    /// <summary>Lets the producer pass from now on.</summary>
    public void Open()
    {
        TaskCompletionSource? waiter;
        lock (_lock)
        {
            _isOpen = true;
            waiter = _waiter;
            _waiter = null;
        }

        waiter?.TrySetResult();
    }

    /// <summary>Waits until at most so many bytes are left; one waiter at a time.</summary>
    public ValueTask WaitUntilAtMostAsync(long bytes)
    {
        lock (_lock)
        {
            if (_isOpen || _bytes <= bytes)
            {
                return ValueTask.CompletedTask;
            }

            _threshold = bytes;
            _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask(_waiter.Task);
        }
    }
}
