using System.Text;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Tickets;

// JSON, dates, claims and rules: all of these tokens are signed well.
internal static partial class Attacks
{
    private static IEnumerable<Attack> OnTheJson =>
        [
            .. new[]
            {
                ("J12 sub twice", ",\"sub\":\"other\""),
                ("J12 exp twice", ",\"exp\":1"),
                ("J12 sub twice, once escaped", ",\"s\\u0075b\":\"other\""),
                ("J12 a name twice within a claim", ",\"x\":{\"a\":1,\"a\":2}"),
                ("a comma too many", ","),
                ("a comment", "/* */"),
                ("NaN", ",\"x\":NaN"),
                ("a number with a leading zero", ",\"x\":01"),
                ("a single quote", ",'x':1"),
                ("half a text", ",\"x\":\"abc"),
                ("J10 depth 9", $",\"x\":{Nested(8)}"),
                ("J10 depth 2,000", $",\"x\":{Nested(2000)}"),
                ("something behind the claims", "}{"),
            }.Select(pair =>
                Es(pair.Item1, TicketFault.BadJson, forge => forge.Signed(forge.Claims(more: pair.Item2)))
            ),
            Es("claims that are a list", TicketFault.BadJson, static forge => forge.Signed("[]")),
            Es("claims that are null", TicketFault.BadJson, static forge => forge.Signed("null")),
            Es("claims that are a text", TicketFault.BadJson, static forge => forge.Signed("\"x\"")),
            Es(
                "claims in UTF-16",
                TicketFault.BadJson,
                static forge => forge.Signed(Encoding.Unicode.GetBytes(forge.Claims()))
            ),
            Es(
                "claims with a byte order mark",
                TicketFault.BadJson,
                static forge => forge.Signed([0xef, 0xbb, 0xbf, .. Utf8(forge.Claims())])
            ),
            Es(
                "claims with invalid UTF-8",
                TicketFault.BadJson,
                static forge =>
                    forge.Signed([.. Utf8(forge.Claims()[..^1] + ",\"x\":\""), 0xc0, 0xaf, .. "\"}"u8])
            ),
            Es("claims of NUL", TicketFault.BadJson, static forge => forge.Signed(new byte[16])),
            Es(
                "J6 half a surrogate pair as subject",
                TicketFault.BadJson,
                static forge => forge.With("sub", "\"\\ud800\"")
            ),
            Es("no claims at all", TicketFault.WrongIssuer, static forge => forge.Signed("{}")),
        ];

    private static IEnumerable<Attack> OnTheDates =>
        [
            Es("J3 exp = now", TicketFault.Expired, static forge => forge.With("exp", $"{forge.Now}")),
            Es(
                "J3 exp = now - 1",
                TicketFault.Expired,
                static forge => forge.With("exp", $"{forge.Now - 1}")
            ),
            Es("J3 exp = 0", TicketFault.Expired, static forge => forge.With("exp", "0")),
            Es("J3 exp missing", TicketFault.NoExpiration, static forge => forge.With("exp", null)),
            .. new[]
            {
                "1893499200.5",
                "1893499200.0",
                "1.8934992e9",
                "1e308",
                "1e999",
                "-1",
                "-0",
                "-9223372036854775808",
                "9223372036854775807",
                "9223372036854775808",
                "18446744073709551616",
                "253402300800",
                "\"1893499200\"",
                "null",
                "true",
                "[]",
                "{}",
                "100000000000000000000000000000000000000000000000000000000000000000000000",
            }.SelectMany(json =>
                new[] { "exp", "nbf", "iat" }.Select(name =>
                    Es($"J3 {name} = {json}", TicketFault.BadClaim, forge => forge.With(name, json))
                )
            ),
            Es(
                "J4 nbf a second ahead",
                TicketFault.NotYetValid,
                static forge => forge.With("nbf", $"{forge.Now + 1}")
            ),
            Es(
                "J4 nbf in the year 9999",
                TicketFault.NotYetValid,
                static forge => forge.With("nbf", "253402300799")
            ),
            Es(
                "J4 iat a second ahead",
                TicketFault.IssuedInFuture,
                static forge => forge.With("iat", $"{forge.Now + 1}")
            ),
            Es(
                "J4 iat an hour ahead",
                TicketFault.IssuedInFuture,
                static forge => forge.With("iat", $"{forge.Now + 3600}")
            ),
        ];

    private static IEnumerable<Attack> OnTheClaims =>
        [
            .. new (string Case, string? Json)[]
            {
                ("wrong", "\"evil.example\""),
                ("missing", null),
                ("in mixed case", "\"Issuer.example\""),
                ("empty", "\"\""),
                ("with a space", "\"issuer.example \""),
                ("a part of it", "\"issuer\""),
                ("more than it", "\"issuer.example.evil\""),
                ("with NUL", "\"issuer.example\\u0000\""),
            }.Select(pair =>
                Es($"J5 issuer {pair.Case}", TicketFault.WrongIssuer, forge => forge.With("iss", pair.Json))
            ),
            Es(
                "J5 issuer a list",
                TicketFault.BadClaim,
                static forge => forge.With("iss", "[\"issuer.example\"]")
            ),
            Es("J5 issuer a number", TicketFault.BadClaim, static forge => forge.With("iss", "1")),
            Es("J5 issuer null", TicketFault.BadClaim, static forge => forge.With("iss", "null")),
            .. new (string Case, string? Json)[]
            {
                ("wrong", "\"billing\""),
                ("missing", null),
                ("in mixed case", "\"Orders\""),
                ("empty", "\"\""),
                ("an empty list", "[]"),
                ("a list of others", "[\"billing\",\"stock\"]"),
                ("joined by commas", "\"billing,orders\""),
            }.Select(pair =>
                Es(
                    $"J5 audience {pair.Case}",
                    TicketFault.WrongAudience,
                    forge => forge.With("aud", pair.Json)
                )
            ),
            Es(
                "J5 audience a list with a number",
                TicketFault.BadClaim,
                static forge => forge.With("aud", "[\"orders\",1]")
            ),
            Es(
                "J5 audience a list in a list",
                TicketFault.BadClaim,
                static forge => forge.With("aud", "[[\"orders\"]]")
            ),
            Es(
                "J5 audience an object",
                TicketFault.BadClaim,
                static forge => forge.With("aud", "{\"orders\":1}")
            ),
            Es(
                "J6 another peer's ticket, copied",
                TicketFault.WrongSubject,
                static forge => forge.With("sub", $"\"{forge.Other}\"")
            ),
            Es("J6 subject missing", TicketFault.WrongSubject, static forge => forge.With("sub", null)),
            Es("J6 subject empty", TicketFault.WrongSubject, static forge => forge.With("sub", "\"\"")),
            Es(
                "J6 subject in capitals",
                TicketFault.WrongSubject,
                static forge => forge.With("sub", $"\"{forge.Peer.ToString().ToUpperInvariant()}\"")
            ),
            Es(
                "J6 subject shortened",
                TicketFault.WrongSubject,
                static forge => forge.With("sub", $"\"{forge.Peer.Short}\"")
            ),
            Es(
                "J6 subject with a space",
                TicketFault.WrongSubject,
                static forge => forge.With("sub", $"\" {forge.Peer}\"")
            ),
            Es("J6 subject a wildcard", TicketFault.WrongSubject, static forge => forge.With("sub", "\"*\"")),
            Es(
                "J6 subject a list",
                TicketFault.BadClaim,
                static forge => forge.With("sub", $"[\"{forge.Peer}\"]")
            ),
            Es("jti a number", TicketFault.BadClaim, static forge => forge.With("jti", "1")),
        ];

    private static IEnumerable<Attack> OnTheRules =>
        [
            .. new (string Case, string? Json)[]
            {
                ("missing", null),
                ("another", "\"guest\""),
                ("in mixed case", "\"Admin\""),
                ("in a list", "[\"admin\"]"),
                ("null", "null"),
            }.Select(pair =>
                Of(
                    $"required claim {pair.Case}",
                    TicketFault.WrongClaim,
                    static forge => forge.Validator.RequireClaim("role", "admin"),
                    forge => forge.With("role", pair.Json)
                )
            ),
            Of(
                "a required number as text",
                TicketFault.WrongClaim,
                static forge => forge.Validator.RequireClaim("level", 3),
                static forge => forge.With("level", "\"3\"")
            ),
            Of(
                "one of two required claims",
                TicketFault.WrongClaim,
                static forge => forge.Validator.RequireClaim("a", true).RequireClaim("b", true),
                static forge => forge.With("a", "true")
            ),
            Of(
                "a life longer than allowed",
                TicketFault.LivesTooLong,
                static forge => forge.Validator.MaxLifetime(TimeSpan.FromMinutes(59)),
                static forge => forge.Signed(forge.Claims())
            ),
            Of(
                "a long life that is nearly over",
                TicketFault.LivesTooLong,
                static forge => forge.Validator.MaxLifetime(TimeSpan.FromHours(2)),
                static forge => forge.With("iat", $"{forge.Now - 7200}")
            ),
            Of(
                "an endless life where lives are bounded",
                TicketFault.LivesTooLong,
                static forge => forge.Validator.AllowNonExpiring().MaxLifetime(TimeSpan.FromDays(1)),
                static forge => forge.With("exp", null)
            ),
            Of(
                "too old",
                TicketFault.TooOld,
                static forge => forge.Validator.MaxAge(TimeSpan.FromMinutes(1)),
                static forge => forge.With("iat", $"{forge.Now - 60}")
            ),
            Of(
                "of unknown age where age counts",
                TicketFault.TooOld,
                static forge => forge.Validator.MaxAge(TimeSpan.FromMinutes(1)),
                static forge => forge.With("iat", null)
            ),
            Of(
                "expired beyond the skew",
                TicketFault.Expired,
                static forge => forge.Validator.ClockSkew(TimeSpan.FromSeconds(5)),
                static forge => forge.With("exp", $"{forge.Now - 5}")
            ),
            Of(
                "J15 signed by a key that was removed",
                TicketFault.BadSignature,
                static forge =>
                {
                    var ring = new JwtKeyRing("ring", Named(forge, "old"));
                    ring.Add(Es256.GenerateSigningKey().VerifyingKey);
                    ring.Remove("old");
                    return forge.Strict(Jwt.WithKeys(ring));
                },
                static forge => forge.Signed(forge.Claims())
            ),
            Of(
                "J15 no keys are left",
                TicketFault.WrongAlgorithm,
                static forge => forge.Strict(Jwt.WithKeys(new JwtKeyRing("empty"))),
                static forge => forge.Signed(forge.Claims())
            ),
            Of(
                "a required subject that is another",
                TicketFault.WrongSubject,
                static forge => forge.Validator.RequireSubject("service"),
                static forge => forge.Signed(forge.Claims())
            ),
        ];

    private static string Nested(int depth) => new string('[', depth) + new string(']', depth);
}
