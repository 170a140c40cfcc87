using System.Diagnostics;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>Every attack by its name: refused with its reason, fast, and without an exception.</summary>
/// <remarks>J-numbers are those of the list of inputs that tickets must withstand.</remarks>
public sealed class AttackSuite
{
    private const int Runs = 15;
    private const int Rounds = 5;
    private static readonly TimeSpan s_limit = TimeSpan.FromMilliseconds(5);
    private static readonly Dictionary<string, Attack> s_attacks = Attacks.All.ToDictionary(attack =>
        attack.Name
    );

    public static TheoryData<string> Names() => [.. s_attacks.Keys];

    [Fact]
    public void ThereAreEnough() => Assert.InRange(s_attacks.Count, 60, 1000);

    [Fact]
    public void WhatTheyAreVariantsOf_IsAccepted()
    {
        var forge = new Forge();
        Assert.True(forge.Validator.Validate(Forge.Ticket(forge.Signed(forge.Claims())), forge.Peer).IsValid);
        Assert.True(forge.HmacValidator.Validate(Forge.Ticket(forge.Hmac(forge.Secret)), forge.Peer).IsValid);
        Assert.True(forge.RsaValidator.Validate(Forge.Ticket(Attacks.RsaToken(forge)), forge.Peer).IsValid);
        Assert.True(Attacks.Edwards(forge, static signature => signature).Validate(forge).IsValid);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void IsRefused(string name)
    {
        var attack = s_attacks[name];
        var attempt = attack.Prepare(new Forge());

        var verdict = attempt.Validate();

        Assert.Equal(attack.Fault, verdict.Error?.Fault);
        Assert.False(verdict.IsValid);
        Assert.InRange(verdict.Error!.Detail.Length, 1, 200);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void IsRefusedFast(string name)
    {
        var attempt = s_attacks[name].Prepare(new Forge());
        var best = TimeSpan.MaxValue;
        // The median of one round tells what it costs; a busy machine may spoil a round, and never all of them.
        for (var round = 0; round < Rounds && best >= s_limit; round++)
        {
            var median = MedianOf(attempt);
            best = median < best ? median : best;
        }

        Assert.InRange(best, TimeSpan.Zero, s_limit);
    }

    private static TimeSpan MedianOf(Attempt attempt)
    {
        var times = new List<TimeSpan>();
        attempt.Validate();
        for (var run = 0; run < Runs; run++)
        {
            var start = Stopwatch.GetTimestamp();
            attempt.Validate();
            times.Add(Stopwatch.GetElapsedTime(start));
        }

        times.Sort();
        return times[Runs / 2];
    }
}

/// <summary>What a peer presents to a validator.</summary>
internal sealed record Attempt(ITicketValidator Validator, Ticket Ticket, PeerEntry Entry)
{
    public TicketVerdict Validate() => Validator.Validate(Ticket, Entry);
}

/// <summary>A way to get in without a right to.</summary>
internal sealed record Attack(string Name, TicketFault Fault, Func<Forge, Attempt> Prepare);
