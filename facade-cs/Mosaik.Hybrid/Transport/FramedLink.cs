using System.Buffers;
using Mosaik.Hybrid.Diagnostics;

namespace Mosaik.Hybrid.Transport;

/// <summary>Frames over one link: cut out of the incoming bytes, queued and batched on the way out.</summary>
/// <remarks>
/// One thread at a time receives; any thread sends, closes and aborts. Owns the link. A single writer task
/// sends everything that queued up while it was busy with one write, so that throughput grows with load and
/// an idle link sends at once.
/// </remarks>
internal sealed class FramedLink : IAsyncDisposable
{
    /// <summary>How many bytes may wait to be sent unless said otherwise: 64 MiB.</summary>
    public const long OutboundBytesMaxDefault = 64L * 1024 * 1024;

    private const int DrainBufferSize = 4 * 1024;

    private readonly TimeProvider _timeProvider;
    private readonly LinkTraffic? _traffic;
    private volatile LinkTraffic? _groupTraffic;
    private readonly FrameInbox _inbox = new();
    private readonly FrameOutbox _outbox;
    private readonly SemaphoreSlim _reading = new(1, 1);
    private readonly TaskCompletionSource _aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _writer;
    private volatile bool _closing;
    private volatile bool _peerHasEnded;
    private int _closeCalls;

    /// <summary>Takes over a link and starts its writer.</summary>
    /// <param name="link">The link; disposed by this object.</param>
    /// <param name="timeProvider">Measures the linger of <see cref="CloseAsync"/>.</param>
    /// <param name="outboundBytesMax">How many bytes may wait to be sent.</param>
    /// <param name="traffic">Counts what the node's links carry; null counts nothing.</param>
    public FramedLink(
        ILink link,
        TimeProvider timeProvider,
        long outboundBytesMax = OutboundBytesMaxDefault,
        LinkTraffic? traffic = null
    )
    {
        Link = link;
        _traffic = traffic;
        traffic?.CountLink(link.IsDialler);
        _timeProvider = timeProvider;
        OutboundBytesMax = outboundBytesMax;
        _outbox = new FrameOutbox(outboundBytesMax);
        _writer = Task.Run(WriteAllAsync);
        Completion = CompleteAsync();
    }

    /// <summary>The link under the frames: who is at the other end. Neither read from it nor write to it.</summary>
    public ILink Link { get; }

    /// <summary>The greatest length (version byte and body) of an incoming frame, in bytes.</summary>
    /// <value>64 KiB until the other end has proved that it belongs; at most 16 MiB.</value>
    /// <remarks>Set between two receives, by whoever receives.</remarks>
    public int ReceiveLimit
    {
        get => _inbox.LengthMax;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 2);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, FrameFormat.LengthMax);
            _inbox.LengthMax = value;
        }
    }

    /// <summary>Counts what the links of a group carry, from now on.</summary>
    public LinkTraffic? Traffic
    {
        get => _groupTraffic;
        set => _groupTraffic = value;
    }

    /// <summary>How many bytes may wait to be sent; beyond that <c>TrySend</c> returns false.</summary>
    public long OutboundBytesMax { get; }

    /// <summary>Bytes that wait to be sent or are being sent, headers included.</summary>
    public long OutboundBytes => _outbox.QueuedBytes;

    /// <summary>Completes, never with an error, when the link is closed and disposed; see <see cref="Failure"/>.</summary>
    public Task Completion { get; }

    /// <summary>What broke the link while writing; null if nothing did.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>The body of the next frame; null at the end of the stream or once this end closes.</summary>
    /// <remarks>
    /// Completes at once when a whole frame is already here. The caller owns the body: it is a slice of an
    /// array that is not used again. Cancelling loses no bytes that have been read.
    /// </remarks>
    /// <exception cref="FrameException">The other end broke the format; close the link.</exception>
    /// <exception cref="IOException">The link broke.</exception>
    public ValueTask<ReadOnlyMemory<byte>?> ReceiveAsync(CancellationToken cancellationToken = default) =>
        !_closing && _inbox.TryTake(out var body)
            ? new ValueTask<ReadOnlyMemory<byte>?>(body)
            : ReadFrameAsync(cancellationToken);

    /// <summary>Queues a frame; false when too much waits already or the link is closed: then abort it.</summary>
    /// <param name="lane">Control frames overtake bulk ones; within a lane the order is kept.</param>
    /// <param name="body">1 byte to 16 MiB less one; copied.</param>
    /// <exception cref="ArgumentException">The body is empty or too long for a frame.</exception>
    public bool TrySend(FrameLane lane, ReadOnlySpan<byte> body)
    {
        if (body.Length is < 1 or > FrameFormat.BodyMax)
        {
            throw new ArgumentException(
                $"A frame's body is 1 to {FrameFormat.BodyMax} bytes; this one has {body.Length}.",
                nameof(body)
            );
        }

        return _outbox.TryAdd(lane, body);
    }

    /// <summary>Queues a frame whose body the function writes straight into the outgoing buffer.</summary>
    /// <param name="lane">Control frames overtake bulk ones; within a lane the order is kept.</param>
    /// <param name="state">Handed to the function, so that it captures nothing.</param>
    /// <param name="encode">Writes the body; short, under a lock; must not use this link nor keep the writer.</param>
    /// <returns>False when too much waits already or the link is closed: then abort it.</returns>
    /// <exception cref="InvalidOperationException">The function wrote nothing, or too much for a frame.</exception>
    public bool TrySend<TState>(FrameLane lane, TState state, Action<TState, IBufferWriter<byte>> encode) =>
        _outbox.TryAdd(lane, state, encode);

    /// <summary>Sends the control frames that wait and a last one, then ends the link in order.</summary>
    /// <remarks>
    /// Bulk frames that wait are dropped; nothing more is received or queued. After its own last byte this end
    /// waits for the other's end of stream, because closing with unread bytes would reset the connection and
    /// could cost the other end the last frame. A second call waits for the first.
    /// </remarks>
    /// <param name="lastBody">The body of the last frame; empty for none.</param>
    /// <param name="linger">The longest time all of it may take; then the link is aborted.</param>
    public async ValueTask CloseAsync(ReadOnlyMemory<byte> lastBody, TimeSpan linger)
    {
        _closing = true;
        if (Interlocked.Increment(ref _closeCalls) == 1)
        {
            _outbox.CloseAfter(lastBody.Span);
            using var deadline = new CancellationTokenSource(linger, _timeProvider);
            try
            {
                await _writer.WaitAsync(deadline.Token).ConfigureAwait(false);
                await DrainAsync(deadline.Token).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException)
            {
                // Too slow, or broken already: either way the link ends here, as it was to.
            }

            Abort();
        }

        await Completion.ConfigureAwait(false);
    }

    /// <summary>Breaks the link at once and drops what waits. Safe from any thread, more than once.</summary>
    public void Abort()
    {
        _outbox.Abandon();
        Link.Abort();
        _aborted.TrySetResult();
    }

    /// <summary>Aborts and waits until all is released.</summary>
    public async ValueTask DisposeAsync()
    {
        Abort();
        await Completion.ConfigureAwait(false);
    }

    private async ValueTask<ReadOnlyMemory<byte>?> ReadFrameAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (!_closing)
            {
                if (_inbox.TryTake(out var body))
                {
                    return body;
                }

                var count = await Link.ReadAsync(_inbox.Room(), cancellationToken).ConfigureAwait(false);
                _inbox.Advance(count);
                _traffic?.CountReceived(count);
                _groupTraffic?.CountReceived(count);
                if (count == 0)
                {
                    return EndOfStream();
                }
            }

            return null;
        }
        catch (IOException) when (_closing)
        {
            return null;
        }
        finally
        {
            _reading.Release();
        }
    }

    private ReadOnlyMemory<byte>? EndOfStream()
    {
        _peerHasEnded = true;
        return _inbox.IsEmpty
            ? null
            : throw new FrameException(FrameFault.Truncated, "The stream ended inside a frame.");
    }

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var ignored = new byte[DrainBufferSize];
            while (!_peerHasEnded)
            {
                _peerHasEnded = await Link.ReadAsync(ignored, cancellationToken).ConfigureAwait(false) == 0;
            }
        }
        finally
        {
            _reading.Release();
        }
    }

    private async Task WriteAllAsync()
    {
        try
        {
            while (true)
            {
                var chunk = _outbox.TryTake(out var ended);
                if (ended)
                {
                    break;
                }

                if (chunk is null)
                {
                    await _outbox.WaitAsync().ConfigureAwait(false);
                    continue;
                }

                await Link.WriteAsync(chunk.Written, CancellationToken.None).ConfigureAwait(false);
                _traffic?.CountSent(chunk.Length);
                _groupTraffic?.CountSent(chunk.Length);
                _outbox.Release(chunk);
            }

            if (!_aborted.Task.IsCompleted)
            {
                await Link.CompleteWritesAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            // Whatever a transport throws here is the end of this link and of nothing else.
            Failure = _aborted.Task.IsCompleted ? null : exception;
            Abort();
        }
    }

    private async Task CompleteAsync()
    {
        await _writer.ConfigureAwait(false);
        await _aborted.Task.ConfigureAwait(false);
        await Link.DisposeAsync().ConfigureAwait(false);
    }
}
