using System.Buffers;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Runtime;
using Mosaik.Hybrid.Transport;
using Mosaik.Hybrid.Wire;

namespace Mosaik.Hybrid;

/// <summary>The groups that this node has joined, and the way to join one.</summary>
/// <remarks>Safe from any thread. Obtained from <see cref="Network.Groups"/>.</remarks>
public sealed class Groups : IGroupJoiner
{
    /// <summary>How long a stranger has for its first words.</summary>
    private static readonly TimeSpan GreetingTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    /// <summary>How many strangers may be about to say their first words.</summary>
    private const int StrangersMax = 256;

    /// <summary>How many of them may be one peer's.</summary>
    private const int StrangersOfPeerMax = 16;

    private readonly NodeServices _node;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<GroupId, GroupRuntime> _active = [];
    private readonly Dictionary<GroupId, Task> _leaving = [];
    private readonly RefusalLog _refusals;
    private readonly Dictionary<PeerId, int> _strangers = [];
    private int _strangerCount;
    private bool _isStopped;

    internal Groups(NodeServices node)
    {
        _node = node;
        _logger = node.Loggers.CreateLogger<Groups>();
        _refusals = new RefusalLog(_logger, "none");
    }

    /// <summary>The ids of the groups that this node is in.</summary>
    public IReadOnlyList<GroupId> Joined
    {
        get
        {
            lock (_lock)
            {
                return [.. _active.Keys];
            }
        }
    }

    /// <summary>Why links were refused before they found a group.</summary>
    internal RefusalLog Refusals => _refusals;

    /// <summary>Begins to join the group of those who hold this key.</summary>
    public GroupBuilder WithKey(GroupKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return new GroupBuilder(this, key);
    }

    /// <inheritdoc/>
    Group<TCommand, TQuery, TResult> IGroupJoiner.Join<TCommand, TQuery, TResult>(
        GroupSettings<TCommand, TQuery, TResult> settings
    )
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isStopped, typeof(Network));
            if (_active.TryGetValue(settings.GroupId, out var known))
            {
                if (known.Loop.Status.Ended is null)
                {
                    return JoinAgain(known, settings);
                }

                // It ended by itself and still releases what it holds: who joins now wants a new life.
                _active.Remove(settings.GroupId);
                _leaving[settings.GroupId] = known.Ended;
            }

            var runtime = new GroupRuntime<TCommand, TQuery, TResult>(settings, _node) { Handles = 1 };
            _active.Add(settings.GroupId, runtime);
            var earlier = _leaving.GetValueOrDefault(settings.GroupId, Task.CompletedTask);
            _ = Task.Run(() => RunAsync(settings.GroupId, runtime, earlier));
            return new Group<TCommand, TQuery, TResult>(runtime, this);
        }
    }

    private Group<TCommand, TQuery, TResult> JoinAgain<TCommand, TQuery, TResult>(
        GroupRuntime known,
        GroupSettings<TCommand, TQuery, TResult> settings
    )
    {
        if (
            known is not GroupRuntime<TCommand, TQuery, TResult> runtime
            || runtime.Settings.Machine.GetType() != settings.Machine.GetType()
        )
        {
            throw new InvalidOperationException(
                $"Group {settings.GroupId.Short} is joined on this node with another type of state machine. "
                    + "Use the handle that you have, or give the machines different signatures."
            );
        }

        runtime.Handles++;
        DiscardSecond(runtime.Settings, settings);
        return new Group<TCommand, TQuery, TResult>(runtime, this);
    }

    /// <summary>A second machine or store is not used: it is disposed, and the operator told.</summary>
    private void DiscardSecond<TCommand, TQuery, TResult>(
        GroupSettings<TCommand, TQuery, TResult> first,
        GroupSettings<TCommand, TQuery, TResult> second
    )
    {
        object?[] unused =
        [
            ReferenceEquals(first.Machine, second.Machine) ? null : second.Machine,
            ReferenceEquals(first.Storage, second.Storage) ? null : second.Storage,
        ];
        foreach (var item in unused)
        {
            if (item is not null)
            {
                GroupEvents.JoinedAgain(_logger, first.GroupId.Short);
                _ = Task.Run(() => DisposeAsync(item, first.GroupId));
            }
        }
    }

    private async Task DisposeAsync(object item, GroupId group)
    {
        try
        {
            if (item is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync().ConfigureAwait(false);
            }
            else if (item is IDisposable disposable)
            {
                disposable.Dispose();
            }
        }
        catch (Exception exception)
        {
            // The user's code, for something that nobody uses: the operator is told, and that is all.
            GroupEvents.Failed(
                _logger,
                group.Short,
                $"an unused {item.GetType()} could not be disposed",
                exception
            );
        }
    }

    private async Task RunAsync(GroupId id, GroupRuntime runtime, Task earlier)
    {
        await runtime.RunAfterAsync(earlier).ConfigureAwait(false);
        lock (_lock)
        {
            // A group that ended by itself can be joined again.
            if (_active.TryGetValue(id, out var current) && ReferenceEquals(current, runtime))
            {
                _active.Remove(id);
            }

            if (_leaving.TryGetValue(id, out var leaving) && leaving == runtime.Ended)
            {
                _leaving.Remove(id);
            }
        }
    }

    /// <summary>A handle was disposed; the last one leaves.</summary>
    /// <returns>True when it was the last.</returns>
    internal bool Release<TCommand, TQuery, TResult>(GroupRuntime<TCommand, TQuery, TResult> runtime)
    {
        lock (_lock)
        {
            if (--runtime.Handles > 0)
            {
                return false;
            }

            BeginLeave(runtime.Settings.GroupId, runtime, TerminationReason.Left);
            return true;
        }
    }

    private void BeginLeave(GroupId id, GroupRuntime runtime, TerminationReason reason)
    {
        if (_active.TryGetValue(id, out var current) && ReferenceEquals(current, runtime))
        {
            _active.Remove(id);
            _leaving[id] = runtime.Ended;
        }

        runtime.Loop.Leave(reason);
    }

    /// <summary>Leaves every group; nothing can be joined any more.</summary>
    internal async Task StopAsync()
    {
        Task[] ended;
        lock (_lock)
        {
            _isStopped = true;
            foreach (var (id, runtime) in _active.ToArray())
            {
                BeginLeave(id, runtime, TerminationReason.NetworkStopped);
            }

            ended = [.. _leaving.Values];
        }

        await Task.WhenAll(ended).ConfigureAwait(false);
    }

    /// <summary>A peer dialled: its first words say which group it means.</summary>
    internal void Accept(ILink link)
    {
        if (!TryEnter(link.RemotePeer))
        {
            _refusals.Note(link.RemotePeer, CloseReason.UnexpectedClose, "too many strangers");
            link.Abort();
            return;
        }

        _ = Task.Run(() =>
            GreetAsync(new FramedLink(link, _node.TimeProvider, traffic: _node.Meter.Traffic))
        );
    }

    private async Task GreetAsync(FramedLink frames)
    {
        try
        {
            var reason = await RouteAsync(frames).ConfigureAwait(false);
            if (reason is { } refusal)
            {
                _refusals.Note(frames.Link.RemotePeer, refusal, frames.Link.RemoteAddress);
                var last = new ArrayBufferWriter<byte>(16);
                WireWriter.Encode(BondMessage.NewClose(refusal), last);
                await frames.CloseAsync(last.WrittenMemory, Linger).ConfigureAwait(false);
            }
        }
        finally
        {
            Leave(frames.Link.RemotePeer);
        }
    }

    /// <summary>Takes a place at the door, of which one peer can't have all.</summary>
    private bool TryEnter(PeerId peer)
    {
        lock (_lock)
        {
            var own = _strangers.GetValueOrDefault(peer);
            if (own >= StrangersOfPeerMax || _strangerCount >= StrangersMax)
            {
                return false;
            }

            _strangers[peer] = own + 1;
            _strangerCount++;
            return true;
        }
    }

    private void Leave(PeerId peer)
    {
        lock (_lock)
        {
            _strangerCount--;
            if (--_strangers[peer] == 0)
            {
                _strangers.Remove(peer);
            }
        }
    }

    /// <summary>Hands the link to the group that it asks for; or gives the reason why not.</summary>
    private async Task<CloseReason?> RouteAsync(FramedLink frames)
    {
        using var deadline = new CancellationTokenSource(GreetingTimeout, _node.TimeProvider);
        try
        {
            var first = await frames.ReceiveAsync(deadline.Token).ConfigureAwait(false);
            if (first is not { } body)
            {
                return CloseReason.UnexpectedClose;
            }

            if (
                !WireReader.TryDecode(body, out var message, out _)
                || message is not BondMessage.Hello { Item: var hello }
            )
            {
                return CloseReason.InvalidHandshake;
            }

            if (hello.Network != _node.Network)
            {
                return CloseReason.DifferentNetwork;
            }

            if (Find(hello.Group) is not { } runtime)
            {
                return CloseReason.GroupNotFound;
            }

            if (!runtime.Loop.Door.MayKnock(frames.Link.RemotePeer))
            {
                // Refused a moment ago for want of a ticket: nothing is computed for it again so soon.
                return CloseReason.NotAllowed;
            }

            runtime.Loop.Adopt(frames, message, body.Length);
            return null;
        }
        catch (OperationCanceledException)
        {
            return CloseReason.Timeout;
        }
        catch (FrameException)
        {
            return CloseReason.InvalidHandshake;
        }
        catch (Exception)
        {
            // Whatever else a transport throws is the end of this link; the reason is counted.
            return CloseReason.UnexpectedClose;
        }
    }

    private GroupRuntime? Find(GroupId id)
    {
        lock (_lock)
        {
            return _active.GetValueOrDefault(id);
        }
    }
}
