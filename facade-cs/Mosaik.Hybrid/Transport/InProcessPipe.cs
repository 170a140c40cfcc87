namespace Mosaik.Hybrid.Transport;

/// <summary>One direction of an in-process link: a bounded queue of bytes that can be cut like a cable.</summary>
/// <remarks>One reader and one writer at a time; the hub cuts, heals and breaks from any thread.</remarks>
internal sealed class InProcessPipe
{
    /// <summary>How many bytes may wait to be read before the writer has to wait: 64 KiB.</summary>
    public const int Capacity = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly byte[] _ring = new byte[Capacity];
    private int _head;
    private int _count;
    private bool _ended;
    private bool _cut;
    private string? _readFault;
    private string? _writeFault;
    private TaskCompletionSource? _changed;

    /// <summary>True when bytes, or the end of the stream, were swallowed by a cut.</summary>
    public bool HasLost { get; private set; }

    /// <summary>Reads at least one byte; 0 at the end. While cut, nothing comes, not even what has arrived.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                ThrowIfBroken(_readFault);
                if (!_cut && (_count > 0 || _ended))
                {
                    return Dequeue(buffer.Span);
                }

                changed = NextChange();
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes all bytes, waiting for room. While cut, they vanish at once.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                ThrowIfBroken(_writeFault);
                if (_ended)
                {
                    throw new IOException("The link's outgoing stream has ended.");
                }

                HasLost |= _cut && bytes.Length > 0;
                bytes = _cut ? default : bytes[Enqueue(bytes.Span)..];
                if (bytes.Length == 0)
                {
                    return;
                }

                changed = NextChange();
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Ends the stream after what has been written.</summary>
    public void End()
    {
        lock (_gate)
        {
            HasLost |= _cut;
            _ended |= !_cut;
            Changed();
        }
    }

    /// <summary>Cuts the cable or mends it.</summary>
    public void SetCut(bool cut)
    {
        lock (_gate)
        {
            _cut = cut;
            Changed();
        }
    }

    /// <summary>Fails all reads; a stream that has ended in order may be spared, so that its rest can be read.</summary>
    public void BreakReader(string fault, bool spareEnded)
    {
        lock (_gate)
        {
            _readFault ??= _ended && spareEnded ? null : fault;
            Changed();
        }
    }

    /// <summary>Fails all writes.</summary>
    public void BreakWriter(string fault)
    {
        lock (_gate)
        {
            _writeFault ??= fault;
            Changed();
        }
    }

    /// <summary>Notes that the other end's abort was swallowed by a cut.</summary>
    public void Lose()
    {
        lock (_gate)
        {
            HasLost = true;
        }
    }

    private static void ThrowIfBroken(string? fault)
    {
        if (fault is not null)
        {
            throw new IOException(fault);
        }
    }

    private int Dequeue(Span<byte> destination)
    {
        var count = Math.Min(destination.Length, _count);
        var first = Math.Min(count, Capacity - _head);
        _ring.AsSpan(_head, first).CopyTo(destination);
        _ring.AsSpan(0, count - first).CopyTo(destination[first..]);
        _head = (_head + count) % Capacity;
        _count -= count;
        Changed();
        return count;
    }

    private int Enqueue(ReadOnlySpan<byte> source)
    {
        var count = Math.Min(source.Length, Capacity - _count);
        var tail = (_head + _count) % Capacity;
        var first = Math.Min(count, Capacity - tail);
        source[..first].CopyTo(_ring.AsSpan(tail));
        source[first..count].CopyTo(_ring);
        _count += count;
        Changed();
        return count;
    }

    private Task NextChange() =>
        (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private void Changed()
    {
        _changed?.TrySetResult();
        _changed = null;
    }
}
