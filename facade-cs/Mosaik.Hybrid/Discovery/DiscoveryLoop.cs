using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Discovery;

/// <summary>The one task that owns the gossip state: takes inputs, steps, and carries out the outputs.</summary>
/// <remarks>
/// Every producer is bounded, so the inbox is: each link waits for its own message, dials are counted by the
/// core, own changes, ticks and entries of bonds are limited where they are posted.
/// </remarks>
[SuppressMessage(
    "Design",
    "CA1001",
    Justification = "StopAsync releases everything, once and after the last use."
)]
internal sealed partial class DiscoveryLoop : IGossipOutputHandler
{
    private const int WaitingAcceptedMax = 256;
    private const int WaitingMergesMax = 256;

    private readonly Channel<Action> _inbox = Channel.CreateUnbounded<Action>(new() { SingleReader = true });
    private readonly Dictionary<long, DiscoveryLink> _links = [];
    private readonly List<PeerEvent> _events = [];
    private readonly List<PeerEntryChange> _changes = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly DiscoveryConfig _config;
    private readonly OwnEntry _own;
    private readonly LinkTraffic? _traffic;
    private readonly ITransport _transport;
    private readonly TimeProvider _timeProvider;
    private readonly long _started;
    private readonly ITimer _timer;
    private GossipState _state;
    private volatile PeerCatalog _catalog = PeerCatalog.Empty;
    private Task _running = Task.CompletedTask;
    private long _lastLink;
    private int _waitingOwn;
    private int _waitingAccepted;
    private int _waitingMerges;
    private int _activities = 1;
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DiscoveryLoop(
        OwnEntry own,
        ITransport transport,
        DiscoveryConfig config,
        ulong seed,
        PeerEventHub events,
        DiscoveryCounters counters,
        TimeProvider timeProvider,
        ILogger logger,
        LinkTraffic? traffic
    )
    {
        _traffic = traffic;
        _own = own;
        _transport = transport;
        _config = config;
        Hub = events;
        Counters = counters;
        _timeProvider = timeProvider;
        Logger = logger;
        _started = timeProvider.GetTimestamp();
        _state = GossipStateModule.Init(config, Now(), seed, own.Signed);
        _timer = timeProvider.CreateTimer(
            static loop => ((DiscoveryLoop)loop!).PostStep(GossipInput.Tick),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan
        );
    }

    /// <summary>Raised on the loop after the catalogue has changed; handlers only enqueue.</summary>
    public event Action<PeerEntryChange>? EntryChanged;

    public NetworkId Network => _own.Entry.Network;

    public ILogger Logger { get; }

    public DiscoveryCounters Counters { get; }

    /// <summary>The other peers; replaced before their events are raised.</summary>
    public PeerCatalog Catalog => _catalog;

    private PeerEventHub Hub { get; }

    public void Start(IEnumerable<PeerAddress> addresses)
    {
        _running = Task.Run(RunAsync);
        PostOwnChanged();
        AddAddresses(addresses);
        PostStep(GossipInput.Tick);
    }

    public void AddAddresses(IEnumerable<PeerAddress> addresses)
    {
        var hosts = addresses.Select(HostOf).ToArray();
        PostStep(GossipInput.NewAddAddresses(hosts));
    }

    /// <summary>Spreads the newest own entry; several calls before the loop comes to it count as one.</summary>
    public void PostOwnChanged()
    {
        if (Interlocked.Exchange(ref _waitingOwn, 1) == 0)
        {
            TryPost(OnOwnChanged);
        }
    }

    /// <summary>Takes over a link that a peer dialled; aborts it when too many wait or this node leaves.</summary>
    public void Accept(ILink link)
    {
        if (Interlocked.Increment(ref _waitingAccepted) > WaitingAcceptedMax || !TryPost(Take))
        {
            Interlocked.Decrement(ref _waitingAccepted);
            Counters.CountLinkRefused();
            Abandon(link);
        }

        void Take()
        {
            Interlocked.Decrement(ref _waitingAccepted);
            Open(link, static (id, peer) => GossipInputs.Accepted(id, peer));
        }
    }

    /// <summary>Merges an entry that was checked, unless too many wait: the exchange brings it again.</summary>
    public void Merge(SignedRecord record)
    {
        if (Interlocked.Increment(ref _waitingMerges) > WaitingMergesMax || !TryPost(Take))
        {
            Interlocked.Decrement(ref _waitingMerges);
            Counters.CountMergeDropped();
        }

        void Take()
        {
            Interlocked.Decrement(ref _waitingMerges);
            Step(GossipInput.NewLearned(record));
        }
    }

    /// <summary>Hands a checked message to the core; completes when it has been taken.</summary>
    public Task DeliverAsync(DiscoveryLink link, GossipMessage<SignedRecord> message)
    {
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isPosted = TryPost(() =>
        {
            if (message.IsDifference)
            {
                Counters.CountExchange();
            }

            Step(GossipInput.NewReceived(link.Id, message));
            taken.SetResult();
        });
        // A loop that failed takes nothing more; its links must still end.
        return isPosted ? Task.WhenAny(taken.Task, _running) : Task.CompletedTask;
    }

    /// <summary>True when the record might change what this node knows; false is said by any thread, cheaply.</summary>
    public bool IsNews(PeerRecord record)
    {
        if (!IsTimely(record))
        {
            return false;
        }

        var version = new PeerEntryVersion(record.Version.StartedAt, record.Version.UpdatedAt);
        var known = record.Peer == _own.Entry.Id ? _own.Entry : _catalog.Get(record.Peer);
        return known is null || version > known.Version;
    }

    /// <summary>True when the record is neither too old nor too far ahead of this node's clock.</summary>
    public bool IsTimely(PeerRecord record)
    {
        var wall = Wall();
        if (CatalogModule.IsTimely(_config, wall, record.Version))
        {
            return true;
        }

        ReportUntimely(record, record.Version.UpdatedAt - wall);
        return false;
    }

    /// <summary>Spreads the own tombstone, closes all links, each within its linger, and ends the loop.</summary>
    public async Task StopAsync()
    {
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _own.Leave();
        PostOwnChanged();
        if (!TryPost(CloseAll))
        {
            closed.SetResult();
        }

        await Task.WhenAny(closed.Task, _running).ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        EndActivity();
        await _idle.Task.ConfigureAwait(false);
        _inbox.Writer.TryComplete();
        await _running.ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
        Hub.End();

        void CloseAll()
        {
            foreach (var link in _links.Values)
            {
                Track(() => link.CloseAsync(CloseReason.GracefulShutdown));
            }

            closed.SetResult();
        }
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var action in _inbox.Reader.ReadAllAsync().ConfigureAwait(false))
            {
                action();
            }
        }
        catch (Exception exception)
        {
            // A step that fails is a defect of this program: nothing half-known may go on.
            DiscoveryEvents.Stopped(Logger, exception);
            _inbox.Writer.TryComplete(exception);
            foreach (var link in _links.Values)
            {
                link.Abort();
            }

            Hub.End();
        }

        FailSeekers();
    }

    private void Step(GossipInput input)
    {
        var transition = Gossip.Step(_config, Now(), Wall(), _state, input);
        _state = transition.State;
        GossipOutputs.Dispatch(this, transition.Outputs);
        Announce();
        CompleteDials();
    }

    private void Announce()
    {
        foreach (var change in _events)
        {
            Hub.Publish(change);
        }

        foreach (var change in _changes)
        {
            Raise(change);
        }

        _events.Clear();
        _changes.Clear();
    }

    private void Raise(PeerEntryChange change)
    {
        try
        {
            EntryChanged?.Invoke(change);
        }
        catch (Exception exception)
        {
            // A handler's defect is not the network's.
            DiscoveryEvents.HandlerFailed(Logger, exception);
        }
    }

    private void OnOwnChanged()
    {
        Volatile.Write(ref _waitingOwn, 0);
        var before = _state.Self.Record;
        var signed = _own.Signed;
        Step(GossipInput.NewOwnChanged(signed));
        if (!PeerRecordModule.SameContent(before, signed.Record))
        {
            Raise(new PeerEntryChange(_own.Entry, signed.Record.Departed));
        }
    }

    private void Open(ILink link, Func<long, PeerId, GossipInput> input)
    {
        var opened = new DiscoveryLink(++_lastLink, link, this, _timeProvider, _traffic);
        _links.Add(opened.Id, opened);
        Counters.Links = _links.Count;
        Step(input(opened.Id, opened.Peer));
        Track(async () =>
        {
            await opened.RunAsync().ConfigureAwait(false);
            TryPost(() =>
            {
                _links.Remove(opened.Id);
                Counters.Links = _links.Count;
                Step(GossipInput.NewLinkDown(opened.Id));
            });
        });
    }

    private void PostStep(GossipInput input) => TryPost(() => Step(input));

    private bool TryPost(Action action) => _inbox.Writer.TryWrite(action);

    private void Abandon(ILink link)
    {
        link.Abort();
        Track(async () => await link.DisposeAsync().ConfigureAwait(false));
    }

    // Activities are dials and links: the loop ends only after all of them have.
    private void Track(Func<Task> activity)
    {
        Interlocked.Increment(ref _activities);
        _ = RunActivityAsync(activity);
    }

    private async Task RunActivityAsync(Func<Task> activity)
    {
        try
        {
            await Task.Run(activity).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            DiscoveryEvents.LinkBroke(Logger, "?", exception.ToString());
        }
        finally
        {
            EndActivity();
        }
    }

    private void EndActivity()
    {
        if (Interlocked.Decrement(ref _activities) == 0)
        {
            _idle.TrySetResult();
        }
    }

    private static PeerHost HostOf(PeerAddress address) => new(address.Host, address.Port);

    private Instant Now() => new((long)_timeProvider.GetElapsedTime(_started).TotalMilliseconds);

    private long Wall() => _timeProvider.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>What the group runtime is told about an entry, own ones included.</summary>
/// <param name="Entry">The newest entry; of a departed peer, the last that was known.</param>
/// <param name="IsDeparted">The peer left, or was silent for too long.</param>
internal readonly record struct PeerEntryChange(PeerEntry Entry, bool IsDeparted);
