namespace Mosaik.Hybrid.Transport;

/// <summary>The hub through which in-process transports reach each other, and where tests cut the cables.</summary>
/// <remarks>
/// Any thread may call any member. While two peers are cut apart, what they write to each other vanishes
/// silently, nothing arrives, and dialling hangs until it is cancelled or the cut is healed. After healing, a
/// link that lost nothing goes on and one that lost bytes breaks with an <see cref="IOException"/>.
/// </remarks>
public sealed class InProcessNetwork
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerAddress, InProcessTransport> _listeners = [];
    private readonly HashSet<(PeerId, PeerId)> _cuts = [];
    private readonly HashSet<PeerId> _isolated = [];
    private readonly List<InProcessCable> _cables = [];
    private TaskCompletionSource _changed = NewChange();

    /// <summary>Makes a transport; it reaches others, and is reached, after its <see cref="ITransport.StartAsync"/>.</summary>
    /// <param name="identity">Who the node is. It stays the caller's.</param>
    public InProcessTransport CreateTransport(NodeIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new InProcessTransport(this, identity);
    }

    /// <summary>Cuts two peers apart.</summary>
    public void Partition(PeerId one, PeerId other) => Change(() => _cuts.Add(PairOf(one, other)));

    /// <summary>Undoes <see cref="Partition"/>.</summary>
    public void Heal(PeerId one, PeerId other) => Change(() => _cuts.Remove(PairOf(one, other)));

    /// <summary>Cuts a peer from all others, present and future.</summary>
    public void Isolate(PeerId peer) => Change(() => _isolated.Add(peer));

    /// <summary>Undoes <see cref="Isolate"/>; cuts between two peers stay.</summary>
    public void Rejoin(PeerId peer) => Change(() => _isolated.Remove(peer));

    /// <summary>Undoes every <see cref="Partition"/> and <see cref="Isolate"/>.</summary>
    public void HealAll() =>
        Change(() =>
        {
            _cuts.Clear();
            _isolated.Clear();
        });

    /// <summary>Resets all links between two peers, as a router that forgot them would; they may dial again.</summary>
    public void Break(PeerId one, PeerId other)
    {
        lock (_gate)
        {
            foreach (var cable in _cables)
            {
                if (PairOf(cable.Dialler, cable.Acceptor) == PairOf(one, other))
                {
                    cable.Break("The link was reset.");
                }
            }

            Forget();
        }
    }

    internal void Listen(InProcessTransport transport)
    {
        lock (_gate)
        {
            if (!_listeners.TryAdd(transport.Address, transport))
            {
                throw new IOException(
                    $"{transport.Address} is in use: a transport of the same identity listens."
                );
            }
        }

        Change(static () => { });
    }

    internal void Leave(InProcessTransport transport)
    {
        lock (_gate)
        {
            // A transport that never listened must not take away the address of one that does.
            if (_listeners.GetValueOrDefault(transport.Address) != transport)
            {
                return;
            }

            _listeners.Remove(transport.Address);
            foreach (var cable in _cables)
            {
                if (cable.Dialler == transport.LocalPeer)
                {
                    cable.Abort(isDialler: true);
                }

                if (cable.Acceptor == transport.LocalPeer)
                {
                    cable.Abort(isDialler: false);
                }
            }

            Forget();
        }
    }

    internal void Abort(InProcessCable cable, bool isDialler)
    {
        lock (_gate)
        {
            cable.Abort(isDialler);
            Forget();
        }
    }

    internal async ValueTask<ILink> DialAsync(
        InProcessTransport from,
        PeerAddress address,
        string protocol,
        PeerId? expected,
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_listeners.GetValueOrDefault(from.Address) != from)
                {
                    throw new InvalidOperationException("Start the transport before dialling with it.");
                }

                var target = _listeners.GetValueOrDefault(address);
                if (!IsCut(from.LocalPeer, target?.LocalPeer))
                {
                    return Connect(from, target, address, protocol, expected);
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private InProcessLink Connect(
        InProcessTransport from,
        InProcessTransport? target,
        PeerAddress address,
        string protocol,
        PeerId? expected
    )
    {
        if (target is null)
        {
            throw new LinkException(LinkFailure.Unreachable, $"Nobody listens at {address}.");
        }

        if (expected is { } wanted && wanted != target.LocalPeer)
        {
            throw new LinkException(
                LinkFailure.WrongPeer,
                $"{address} answers as peer {target.LocalPeer}, expected {wanted}."
            );
        }

        if (target == from)
        {
            throw new LinkException(LinkFailure.Self, $"{address} is this node itself.");
        }

        if (!LinkProtocols.IsKnown(protocol))
        {
            throw new LinkException(LinkFailure.WrongProtocol, $"{address} does not speak '{protocol}'.");
        }

        var cable = new InProcessCable(from.LocalPeer, target.LocalPeer);
        if (!target.Offer(new InProcessLink(this, cable, false, protocol, from.Address, from.PublicKey)))
        {
            throw new LinkException(LinkFailure.Refused, $"{address} accepts no more links at the moment.");
        }

        _cables.Add(cable);
        return new InProcessLink(this, cable, true, protocol, address, target.PublicKey);
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            change();
            foreach (var cable in _cables)
            {
                cable.SetCut(IsCut(cable.Dialler, cable.Acceptor));
            }

            Forget();
            changed = _changed;
            _changed = NewChange();
        }

        changed.SetResult();
    }

    private void Forget() => _cables.RemoveAll(static cable => !cable.IsWhole);

    private bool IsCut(PeerId one, PeerId? other) =>
        _isolated.Contains(one)
        || (other is { } peer && (_isolated.Contains(peer) || _cuts.Contains(PairOf(one, peer))));

    private static (PeerId, PeerId) PairOf(PeerId one, PeerId other) =>
        Comparer<PeerId>.Default.Compare(one, other) <= 0 ? (one, other) : (other, one);

    private static TaskCompletionSource NewChange() =>
        new(TaskCreationOptions.RunContinuationsAsynchronously);
}
