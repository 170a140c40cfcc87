using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A transport whose cable can be pulled out: what is sent vanishes, nothing comes, dialling hangs.</summary>
/// <remarks>Links that were open when the cable was pulled break when it is put back, as real streams would.</remarks>
internal sealed class CuttableTransport(ITransport inner) : ITransport
{
    private readonly Lock _gate = new();
    private readonly List<CuttableLink> _links = [];
    private TaskCompletionSource _whole = Completed();

    public PeerId LocalPeer => inner.LocalPeer;

    public IReadOnlyList<PeerAddress> Addresses => inner.Addresses;

    /// <summary>Completes while the cable is in.</summary>
    public Task Whole
    {
        get
        {
            lock (_gate)
            {
                return _whole.Task;
            }
        }
    }

    public void Cut()
    {
        lock (_gate)
        {
            _whole = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Heal()
    {
        CuttableLink[] lost;
        lock (_gate)
        {
            lost = [.. _links];
            _links.Clear();
            _whole.TrySetResult();
        }

        foreach (var link in lost)
        {
            link.Abort();
        }
    }

    public ValueTask StartAsync(CancellationToken cancellationToken = default) =>
        inner.StartAsync(cancellationToken);

    public async ValueTask<ILink> AcceptAsync(CancellationToken cancellationToken = default) =>
        Wrap(await inner.AcceptAsync(cancellationToken));

    public async ValueTask<ILink> DialAsync(
        PeerAddress address,
        string protocol,
        PeerId? expected,
        CancellationToken cancellationToken = default
    )
    {
        await Whole.WaitAsync(cancellationToken);
        return Wrap(await inner.DialAsync(address, protocol, expected, cancellationToken));
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private CuttableLink Wrap(ILink link)
    {
        var wrapped = new CuttableLink(link, this);
        lock (_gate)
        {
            _links.Add(wrapped);
        }

        return wrapped;
    }

    private static TaskCompletionSource Completed()
    {
        var completed = new TaskCompletionSource();
        completed.SetResult();
        return completed;
    }

    private sealed class CuttableLink(ILink inner, CuttableTransport transport) : ILink
    {
        private readonly TaskCompletionSource _aborted = new(
            TaskCreationOptions.RunContinuationsAsynchronously
        );

        public PeerId RemotePeer => inner.RemotePeer;

        public ReadOnlyMemory<byte> RemotePublicKey => inner.RemotePublicKey;

        public string Protocol => inner.Protocol;

        public string RemoteAddress => inner.RemoteAddress;

        public bool IsDialler => inner.IsDialler;

        public async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            var reading = inner.ReadAsync(buffer, cancellationToken).AsTask();
            await Task.WhenAny(reading, _aborted.Task);
            if (!_aborted.Task.IsCompleted && transport.Whole.IsCompleted)
            {
                return await reading;
            }

            await _aborted.Task.WaitAsync(cancellationToken);
            throw new IOException("The cable was pulled out.");
        }

        public async ValueTask WriteAsync(
            ReadOnlyMemory<byte> bytes,
            CancellationToken cancellationToken = default
        )
        {
            if (transport.Whole.IsCompleted)
            {
                await inner.WriteAsync(bytes, cancellationToken);
            }
        }

        public async ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
        {
            if (transport.Whole.IsCompleted)
            {
                await inner.CompleteWritesAsync(cancellationToken);
            }
        }

        public void Abort()
        {
            // The other end must not see that this one gave up while the cable is out; Heal aborts what is left.
            _aborted.TrySetResult();
            if (transport.Whole.IsCompleted)
            {
                inner.Abort();
            }
        }

        public async ValueTask DisposeAsync()
        {
            Abort();
            if (transport.Whole.IsCompleted)
            {
                await inner.DisposeAsync();
            }
        }
    }
}
