namespace Mosaik.Hybrid;

/// <summary>A live bond: the authenticated, encrypted link to another member of the group.</summary>
/// <remarks>A snapshot; <see cref="Group{TCommand, TQuery, TResult}.Bonds"/> gives the newest.</remarks>
public sealed class Bond
{
    internal Bond(MemberId member, string remoteAddress, bool isDialler)
    {
        Peer = member.Peer;
        Incarnation = member.Incarnation;
        RemoteAddress = remoteAddress;
        IsDialler = isDialler;
    }

    /// <summary>Who is at the other end.</summary>
    public PeerId Peer { get; }

    /// <summary>Which life of the peer's log.</summary>
    public Incarnation Incarnation { get; }

    /// <summary>Where the peer is, for diagnostics.</summary>
    public string RemoteAddress { get; }

    /// <summary>True when this node dialled.</summary>
    public bool IsDialler { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Peer.Short} at {RemoteAddress}";
}
