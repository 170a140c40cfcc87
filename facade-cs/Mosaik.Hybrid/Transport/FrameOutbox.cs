using System.Buffers;
using System.Threading.Tasks.Sources;

namespace Mosaik.Hybrid.Transport;

/// <summary>Frames that wait for the writer of one link, in two lanes, bounded by bytes.</summary>
/// <remarks>
/// Any thread adds; one writer waits and takes. Adding never waits for the link: it holds a lock that the
/// writer takes only to detach a chunk. An idle outbox holds no buffers.
/// </remarks>
internal sealed class FrameOutbox(long bytesMax) : IValueTaskSource
{
    /// <summary>A chunk that has reached this size takes no more frames, so that control frames wait for little.</summary>
    public const int SliceSize = 256 * 1024;

    // Below this, copying bulk behind control costs less than a second write.
    private const int JoinedBulkMax = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly Lane _control = new();
    private readonly Lane _bulk = new();
    private ManualResetValueTaskSourceCore<bool> _wake = new() { RunContinuationsAsynchronously = true };
    private bool _writerWaits;
    private bool _closed;
    private long _queuedBytes;

    /// <summary>Bytes added and not yet released by the writer, headers included.</summary>
    public long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    /// <summary>Adds a frame; false when it would exceed the bound or the outbox is closed.</summary>
    public bool TryAdd(FrameLane lane, ReadOnlySpan<byte> body)
    {
        bool wake;
        lock (_gate)
        {
            var size = FrameFormat.HeaderSize + body.Length;
            if (_closed || _queuedBytes + size > bytesMax)
            {
                return false;
            }

            LaneOf(lane).TailFor(size).Add(body);
            _queuedBytes += size;
            wake = TakeWaiter();
        }

        Wake(wake);
        return true;
    }

    /// <summary>Adds a frame whose body the function writes; false when it exceeds the bound or the outbox is closed.</summary>
    public bool TryAdd<TState>(FrameLane lane, TState state, Action<TState, IBufferWriter<byte>> encode)
    {
        bool wake;
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            var tail = LaneOf(lane).TailFor(FrameFormat.HeaderSize);
            var before = tail.Length;
            tail.Add(state, encode);
            if (_queuedBytes + tail.Length - before > bytesMax)
            {
                tail.TruncateTo(before);
                return false;
            }

            _queuedBytes += tail.Length - before;
            wake = TakeWaiter();
        }

        Wake(wake);
        return true;
    }

    /// <summary>Refuses further frames and drops bulk; the writer still takes control frames and the last one.</summary>
    public void CloseAfter(ReadOnlySpan<byte> lastBody)
    {
        bool wake;
        lock (_gate)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
            _queuedBytes -= _bulk.Clear();
            if (lastBody.Length > 0)
            {
                _control.TailFor(lastBody.Length).Add(lastBody);
                _queuedBytes += FrameFormat.HeaderSize + lastBody.Length;
            }

            wake = TakeWaiter();
        }

        Wake(wake);
    }

    /// <summary>Refuses further frames and drops all that wait.</summary>
    public void Abandon()
    {
        bool wake;
        lock (_gate)
        {
            _closed = true;
            _queuedBytes -= _control.Clear() + _bulk.Clear();
            wake = TakeWaiter();
        }

        Wake(wake);
    }

    /// <summary>Completes when there is something to take or the outbox has closed. The writer only.</summary>
    public ValueTask WaitAsync()
    {
        lock (_gate)
        {
            if (_closed || _control.HasFrames || _bulk.HasFrames)
            {
                return ValueTask.CompletedTask;
            }

            _wake.Reset();
            _writerWaits = true;
            return new ValueTask(this, _wake.Version);
        }
    }

    /// <summary>Detaches what one write should send: control first, bulk in slices; null when nothing waits.</summary>
    /// <param name="ended">True when nothing waits and nothing will come.</param>
    public FrameChunk? TryTake(out bool ended)
    {
        lock (_gate)
        {
            ended = false;
            var chunk = _control.TryTake();
            if (chunk is null)
            {
                chunk = _bulk.TryTake();
                ended = chunk is null && _closed;
                return chunk;
            }

            if (_bulk.HeadLength is > 0 and <= JoinedBulkMax && _bulk.TryTake() is { } bulk)
            {
                chunk.AddAll(bulk);
                bulk.Recycle();
            }

            return chunk;
        }
    }

    /// <summary>Says that a taken chunk has been sent, and gives its buffer back.</summary>
    public void Release(FrameChunk chunk)
    {
        lock (_gate)
        {
            _queuedBytes -= chunk.Length;
        }

        chunk.Recycle();
    }

    void IValueTaskSource.GetResult(short token) => _wake.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wake.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _wake.OnCompleted(continuation, state, token, flags);

    private Lane LaneOf(FrameLane lane) => lane == FrameLane.Control ? _control : _bulk;

    private bool TakeWaiter()
    {
        var waits = _writerWaits;
        _writerWaits = false;
        return waits;
    }

    private void Wake(bool wake)
    {
        // Outside the lock: whoever took the waiter is the only one to complete this wait.
        if (wake)
        {
            _wake.SetResult(true);
        }
    }

    /// <summary>Chunks in order; only the last one grows.</summary>
    private sealed class Lane
    {
        private readonly Queue<FrameChunk> _chunks = new();
        private FrameChunk? _tail;

        public bool HasFrames => HeadLength > 0;

        public int HeadLength => _chunks.TryPeek(out var head) ? head.Length : 0;

        public FrameChunk TailFor(int size)
        {
            if (_tail is null || (_tail.Length > 0 && _tail.Length + size > SliceSize))
            {
                _tail = new FrameChunk();
                _chunks.Enqueue(_tail);
            }

            return _tail;
        }

        public FrameChunk? TryTake()
        {
            if (!HasFrames)
            {
                return null;
            }

            var head = _chunks.Dequeue();
            _tail = ReferenceEquals(head, _tail) ? null : _tail;
            return head;
        }

        public long Clear()
        {
            var bytes = 0L;
            while (_chunks.TryDequeue(out var chunk))
            {
                bytes += chunk.Length;
                chunk.Recycle();
            }

            _tail = null;
            return bytes;
        }
    }
}
