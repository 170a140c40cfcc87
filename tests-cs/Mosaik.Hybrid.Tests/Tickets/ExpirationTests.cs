using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>Expirations, verdicts and tickets as values.</summary>
public sealed class ExpirationTests
{
    private static readonly DateTimeOffset s_moment = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Never_IsAfterEveryMoment()
    {
        Assert.True(Expiration.At(DateTimeOffset.MaxValue) < Expiration.Never);
        Assert.True(Expiration.Never > Expiration.At(DateTimeOffset.MaxValue));
        Assert.True(Expiration.Never >= Expiration.Never);
        Assert.True(Expiration.Never <= Expiration.Never);
        Assert.True(Expiration.At(s_moment) < Expiration.At(s_moment.AddTicks(1)));
        Assert.False(Expiration.Never.IsExpired(DateTimeOffset.MaxValue));
        Assert.Null(Expiration.Never.Moment);
        Assert.Equal("never", Expiration.Never.ToString());
    }

    [Fact]
    public void AMoment_IsNoLongerGoodAtItself()
    {
        var expiration = Expiration.At(s_moment);
        Assert.False(expiration.IsExpired(s_moment.AddTicks(-1)));
        Assert.True(expiration.IsExpired(s_moment));
        Assert.Equal(s_moment, expiration.Moment);
    }

    [Fact]
    public void AVerdict_IsARefusalUnlessItSaysOtherwise()
    {
        Assert.False(default(TicketVerdict).IsValid);
        Assert.Equal(InvalidTicket.Unexplained, default(TicketVerdict).Error);
        TicketVerdict good = Expiration.At(s_moment);
        TicketVerdict bad = new InvalidTicket(TicketFault.Expired, "over");
        Assert.True(good.IsValid);
        Assert.Null(good.Error);
        Assert.Equal(Expiration.At(s_moment), good.Expiration);
        Assert.Equal(TicketFault.Expired, bad.Error?.Fault);
        Assert.Equal(TicketFault.Rejected, TicketVerdict.Invalid("no").Error?.Fault);
    }

    [Fact]
    public void TheIdOfATicket_IsOfClassAndData_AndOfNothingElse()
    {
        var ticket = new Ticket("ab", "c"u8);
        Assert.Equal(ticket.Id, new Ticket("ab", "c"u8).Id);
        Assert.Equal(ticket, new Ticket("ab", "c"u8));
        Assert.NotEqual(ticket.Id, new Ticket("a", "bc"u8).Id);
        Assert.NotEqual(ticket, new Ticket("ab", "d"u8));
        // Written down, since members of different versions must agree.
        Assert.Equal("18ceb0f3cee682622e29efe8ab8e35b9fc243888b510ac17eb5659b2d935b336", ticket.Id);
        Assert.Equal("ab 18ceb0f3ce", ticket.ToString());
    }
}
