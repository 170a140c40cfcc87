using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>Issues signed tickets to nodes, and has the validator that takes them.</summary>
internal sealed class TicketOffice(JwtSigningKey key, TimeProvider? timeProvider = null)
{
    public const string Issuer = "office";

    private readonly TimeProvider _timeProvider = timeProvider ?? TimeProvider.System;

    public Jwt Validator { get; } =
        Jwt.WithKey(key.VerifyingKey)
            .AllowIssuer(Issuer)
            .WithTimeProvider(timeProvider ?? TimeProvider.System);

    /// <summary>A ticket for a peer that is good for so long; a day unless said.</summary>
    public Ticket TicketFor(PeerId peer, TimeSpan? life = null) =>
        new JwtTicketBuilder(key)
            .Issuer(Issuer)
            .WithTimeProvider(_timeProvider)
            .ExpiresAt(_timeProvider.GetUtcNow() + (life ?? TimeSpan.FromDays(1)))
            .Build(peer);

    /// <summary>A node gets a ticket and joins the group whose key comes from the validator.</summary>
    public void Admit(TestCluster cluster, TestNode node)
    {
        node.Network.Discovery.AddTicket(TicketFor(node.Id));
        Join(cluster, node);
    }

    /// <summary>A node joins with whatever tickets it has.</summary>
    public void Join(TestCluster cluster, TestNode node) =>
        node.Join(GroupKey.From(Validator), cluster.Config, validator: Validator);
}
