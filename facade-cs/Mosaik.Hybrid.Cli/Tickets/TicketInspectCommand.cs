using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Cli.Tickets;

/// <summary><c>mosaik ticket inspect</c>: shows what a ticket says, and whether it is good.</summary>
internal static class TicketInspectCommand
{
    private static readonly string[] s_dates = ["exp", "nbf", "iat"];

    private static readonly JsonSerializerOptions s_indented = new()
    {
        WriteIndented = true,
        // Whatever is no plain letter is escaped: a token must not write control characters to a terminal.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.Default,
    };

    public static CommandSpec Spec { get; } =
        new(
            "ticket inspect",
            "Show what a ticket says; with a key, also whether it is good.",
            [
                new OptionSpec("token-file", "FILE", "Where the token is. Default: standard input."),
                new OptionSpec("key-file", "FILE", "The public key or secret that checks it."),
                new OptionSpec("peer", "ID", "The peer that presents it. Default: whoever it is for."),
                new OptionSpec("issuer", "NAME", "An issuer to allow. May be given several times.", true),
                new OptionSpec("audience", "NAME", "An audience to allow. May be given several times.", true),
                new OptionSpec("allow-non-expiring", null, "A ticket that never expires may be good."),
                new OptionSpec("algorithm", "NAME", "For a key of RSA: RS256 or PS256. Default: RS256."),
            ],
            ["mosaik ticket inspect --token-file node.jwt --key-file issuer.pub.pem --issuer ops"],
            "Exit code 1 when the ticket is no token, or a key was given and it is not good."
        );

    public static async Task<int> RunAsync(ParsedArguments arguments)
    {
        var token = arguments.Value("token-file") is { } path
            ? Encoding.UTF8.GetString(TicketKeyFile.ReadTicket(path).Data.Span)
            : (await Console.In.ReadToEndAsync()).Trim();
        var subject = Show(token);
        if (arguments.Value("key-file") is not { } keyFile)
        {
            await Console.Out.WriteLineAsync("The signature was not checked: give --key-file.");
            return ExitCodes.Ok;
        }

        var key = TicketKeyFile.ReadVerifying(keyFile, arguments.Value("algorithm"), null);
        var verdict = Validator(arguments, key, subject)
            .Validate(TicketKeyFile.ToTicket(token), PeerOf(arguments, subject));
        await Console.Out.WriteLineAsync(
            verdict.Error is { } error
                ? $"Not good: {error.Fault}, {error.Detail}."
                : $"Good until {verdict.Expiration}."
        );
        return verdict.IsValid ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static Jwt Validator(ParsedArguments arguments, JwtKey key, string? subject)
    {
        var jwt = Jwt.WithKey(key);
        jwt = arguments.Values("issuer").Aggregate(jwt, static (all, issuer) => all.AllowIssuer(issuer));
        jwt = arguments
            .Values("audience")
            .Aggregate(jwt, static (all, audience) => all.AllowAudience(audience));
        jwt = arguments.Has("allow-non-expiring") ? jwt.AllowNonExpiring() : jwt;
        // Without a peer, whoever the ticket speaks of is the one.
        return arguments.Has("peer") || string.IsNullOrEmpty(subject) ? jwt : jwt.RequireSubject(subject);
    }

    private static PeerId PeerOf(ParsedArguments arguments, string? subject) =>
        arguments.Value("peer") is { } given
            ? PeerOption.Parse(Spec, given)
            : PeerOption.TryParse(subject) ?? default;

    /// <summary>Prints header and claims, and gives the subject.</summary>
    private static string? Show(string token)
    {
        try
        {
            var parts = token.Split('.');
            if (parts.Length == 3)
            {
                using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
                using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
                Console.Out.WriteLine($"header {JsonSerializer.Serialize(header, s_indented)}");
                Console.Out.WriteLine($"claims {JsonSerializer.Serialize(claims, s_indented)}");
                ShowDates(claims.RootElement);
                return claims.RootElement.TryGetProperty("sub", out var subject) ? subject.GetString() : null;
            }
        }
        catch (Exception exception)
            when (exception
                    is FormatException
                        or JsonException
                        or InvalidOperationException
                        or ArgumentException
            )
        {
            throw new ToolException("This is no signed token that can be read.");
        }

        throw new ToolException("This is no signed token: it has not three parts with dots between them.");
    }

    private static void ShowDates(JsonElement claims)
    {
        foreach (var name in s_dates)
        {
            if (
                claims.TryGetProperty(name, out var value)
                && value.ValueKind == JsonValueKind.Number
                && value.TryGetInt64(out var seconds)
                && seconds is >= 0 and <= 253_402_300_799
            )
            {
                var moment = DateTimeOffset.FromUnixTimeSeconds(seconds);
                Console.Out.WriteLine($"{name}    {moment.ToString("u", CultureInfo.InvariantCulture)}");
            }
        }
    }
}
