using System.Buffers;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Runtime;

/// <summary>The links of a group, by the names that the core knows them by.</summary>
/// <remarks>
/// Changed by the group loop only. A link whose peer does not read what is sent is given up: one slow peer
/// costs a bounded number of bytes.
/// </remarks>
internal sealed class LinkTable(Action<object> post)
{
    private readonly Dictionary<long, BondConnection> _links = [];
    private long _sent;

    /// <summary>How many messages were queued; any thread.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>All links.</summary>
    public IReadOnlyCollection<BondConnection> All => _links.Values;

    /// <summary>Adds a link.</summary>
    public void Add(BondConnection connection) => _links.Add(connection.Id, connection);

    /// <summary>The link, or null when it is gone.</summary>
    public BondConnection? Find(long link) => _links.GetValueOrDefault(link);

    /// <summary>Forgets a link.</summary>
    public BondConnection? Remove(long link) => _links.Remove(link, out var connection) ? connection : null;

    /// <summary>Queues a message on a link; words to a link that is gone are lost.</summary>
    public void Send(long link, FrameLane lane, BondMessage message)
    {
        if (_links.TryGetValue(link, out var connection))
        {
            OnSent(connection, connection.Send(lane, message));
        }
    }

    /// <summary>Queues a frame that the function writes.</summary>
    public void Send<TState>(
        long link,
        FrameLane lane,
        TState state,
        Action<TState, IBufferWriter<byte>> encode
    )
    {
        if (_links.TryGetValue(link, out var connection))
        {
            OnSent(connection, connection.Frames.TrySend(lane, state, encode));
        }
    }

    private void OnSent(BondConnection connection, bool isQueued)
    {
        if (isQueued)
        {
            Volatile.Write(ref _sent, _sent + 1);
        }
        else
        {
            GiveUp(connection);
        }
    }

    private void GiveUp(BondConnection connection) =>
        post(new LinkEnded(connection, CloseReason.UnexpectedClose, "the peer does not take what is sent"));
}
