using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Mosaik.Hybrid.Tickets;
using Xunit;

namespace Mosaik.Hybrid.Tests.Tickets;

/// <summary>What holds for all tokens, not only for those that somebody thought of.</summary>
public sealed class JwtProperties
{
    private static readonly Config s_config = Config.QuickThrowOnFailure.WithMaxTest(200);
    private readonly Forge _forge = new();

    [Fact]
    public void WhatIsIssued_IsTaken_ByWhoAsksForIt_AndByNobodyWhoAsksForMore() =>
        Check<(string Issuer, string Audience, string Name, string Value)>(words =>
        {
            var (issuer, audience, name, value) = (
                "i" + Text(words.Issuer),
                "a" + Text(words.Audience),
                "n" + Text(words.Name),
                Text(words.Value)
            );
            var ticket = new JwtTicketBuilder(new Hs256(_forge.Secret))
                .Issuer(issuer)
                .Audience(audience)
                .Claim(name, value)
                .ExpiresIn(TimeSpan.FromHours(1))
                .WithTimeProvider(_forge.Clock)
                .Build(_forge.Peer);
            var plain = Jwt.WithKey(new Hs256(_forge.Secret)).WithTimeProvider(_forge.Clock);
            var exact = plain.AllowIssuer(issuer).AllowAudience(audience).RequireClaim(name, value);
            return exact.Validate(ticket, _forge.Peer).IsValid
                && !exact.Validate(ticket, _forge.Other).IsValid
                && Fault(plain.AllowIssuer(issuer + " "), ticket) == TicketFault.WrongIssuer
                && Fault(plain.AllowAudience(audience + " "), ticket) == TicketFault.WrongAudience
                && Fault(plain.RequireClaim(name, value + " "), ticket) == TicketFault.WrongClaim
                && Fault(plain.RequireClaim(name + " ", value), ticket) == TicketFault.WrongClaim;
        });

    [Fact]
    public void Bytes_AreNeverATicket_AndNeverAnException() =>
        Check<byte[]>(bytes =>
            !_forge.Validator.Validate(new Ticket(Jwt.TicketClass, bytes), _forge.Peer).IsValid
        );

    [Fact]
    public void AGoodTokenWithAnotherPiece_IsNoTicket() =>
        Check<(int At, int Length, byte[] Piece)>(change =>
        {
            var good = Encoding.ASCII.GetBytes(_forge.Hmac(_forge.Secret));
            var at = (int)((uint)change.At % (uint)good.Length);
            var length = (int)((uint)change.Length % (uint)(good.Length - at + 1));
            byte[] other = [.. good[..at], .. change.Piece, .. good[(at + length)..]];
            var verdict = _forge.HmacValidator.Validate(new Ticket(Jwt.TicketClass, other), _forge.Peer);
            return verdict.IsValid == other.AsSpan().SequenceEqual(good);
        });

    [Fact]
    public void AnyJsonAsClaims_SignedWell_IsNeverAnException() =>
        Check<string[]>(names =>
        {
            var members = names.Select(name =>
                $",{System.Text.Json.JsonSerializer.Serialize(Text(name))}:{name?.Length ?? 0}"
            );
            var ticket = Forge.Ticket(_forge.Signed(_forge.Claims(more: string.Concat(members))));
            var verdict = _forge.Validator.Validate(ticket, _forge.Peer);
            // Good, unless a name came twice or stands for something.
            return verdict.IsValid
                || verdict.Error!.Fault
                    is TicketFault.BadJson
                        or TicketFault.BadClaim
                        or TicketFault.NotYetValid
                        or TicketFault.Expired;
        });

    [Fact]
    public void Policies_HaveTheSameSignature_ExactlyWhenTheyAreTheSame() =>
        Check<(string[] Left, string[] Right)>(issuers =>
        {
            var (left, right) = (Set(issuers.Left), Set(issuers.Right));
            var isSame = left.SetEquals(right);
            return Policy(left).Signature.Span.SequenceEqual(Policy(right).Signature.Span) == isSame
                && Policy(left).Signature.Span.SequenceEqual(Policy(left.Reverse()).Signature.Span);
        });

    private Jwt Policy(IEnumerable<string> issuers) =>
        issuers.Aggregate(Jwt.WithKey(_forge.EllipticKey), static (jwt, issuer) => jwt.AllowIssuer(issuer));

    private TicketFault? Fault(Jwt validator, Ticket ticket) =>
        validator.Validate(ticket, _forge.Peer).Error?.Fault;

    private static SortedSet<string> Set(IEnumerable<string> words) =>
        new(words.Select(static word => "i" + Text(word)), StringComparer.Ordinal);

    /// <summary>At most 100 characters, without halves of surrogate pairs: those can't be written at all.</summary>
    private static string Text(string? word) =>
        new([.. (word ?? "").Where(static letter => !char.IsSurrogate(letter)).Take(100)]);

    private static void Check<T>(Func<T, bool> holds) => Prop.ForAll(holds).Check(s_config);
}
