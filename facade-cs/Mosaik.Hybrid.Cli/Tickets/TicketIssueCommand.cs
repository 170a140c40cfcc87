using System.Globalization;
using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Cli.Tickets;

/// <summary><c>mosaik ticket issue</c>: signs a ticket for a peer and prints it.</summary>
internal static class TicketIssueCommand
{
    public static CommandSpec Spec { get; } =
        new(
            "ticket issue",
            "Issue a ticket to a peer: print a signed JSON Web Token.",
            [
                new OptionSpec("key-file", "FILE", "The key, as 'mosaik ticket keygen' writes it. Required."),
                new OptionSpec("peer", "ID", "The peer that the ticket is for: 64 hex digits."),
                new OptionSpec(
                    "subject",
                    "TEXT",
                    "A subject instead of the peer's id; whoever copies the ticket can use it."
                ),
                new OptionSpec("expires-in", "TIME", "How long it is good: 90s, 15m, 8h, 30d."),
                new OptionSpec("expires-at", "MOMENT", "Until when it is good, as 2026-12-31T23:00:00Z."),
                new OptionSpec("never-expires", null, "Good for ever; validators must allow that."),
                new OptionSpec("not-before", "MOMENT", "From when on it is good."),
                new OptionSpec("issuer", "NAME", "Who issues it."),
                new OptionSpec("audience", "NAME", "Whom it is for. May be given several times.", true),
                new OptionSpec("token-id", "ID", "An id for your records."),
                new OptionSpec("claim", "NAME=TEXT", "A claim. May be given several times.", true),
                new OptionSpec(
                    "claim-json",
                    "NAME=JSON",
                    "A claim that is no text. May be given several times.",
                    true
                ),
                new OptionSpec("algorithm", "NAME", "For a key of RSA: RS256 or PS256. Default: RS256."),
                new OptionSpec("key-id", "ID", "The id of the key, for validators with several."),
            ],
            [
                "mosaik ticket issue --key-file issuer.pem --peer $(cat peer.id) --issuer ops --expires-in 8h > node.jwt",
            ],
            "One of --peer and --subject, and one of --expires-in, --expires-at and --never-expires, are required."
        );

    public static async Task<int> RunAsync(ParsedArguments arguments)
    {
        var key = TicketKeyFile.ReadSigning(
            arguments.Required("key-file"),
            arguments.Value("algorithm"),
            arguments.Value("key-id")
        );
        try
        {
            var (builder, peer) = Address(arguments, new JwtTicketBuilder(key));
            await Console.Out.WriteLineAsync(Claims(arguments, Times(arguments, builder)).BuildToken(peer));
            return ExitCodes.Ok;
        }
        catch (ArgumentException exception)
        {
            throw ArgumentParser.Wrong(Spec, exception.Message);
        }
    }

    private static (JwtTicketBuilder Builder, PeerId Peer) Address(
        ParsedArguments arguments,
        JwtTicketBuilder builder
    )
    {
        var (peer, subject) = (arguments.Value("peer"), arguments.Value("subject"));
        if (peer is null == subject is null)
        {
            throw ArgumentParser.Wrong(Spec, "Give one of --peer and --subject.");
        }

        return subject is not null
            ? (builder.Subject(subject), default)
            : (builder, PeerOption.Parse(Spec, peer!));
    }

    private static JwtTicketBuilder Times(ParsedArguments arguments, JwtTicketBuilder builder)
    {
        string[] ends = [.. new[] { "expires-in", "expires-at", "never-expires" }.Where(arguments.Has)];
        if (ends.Length != 1)
        {
            throw ArgumentParser.Wrong(Spec, "Give one of --expires-in, --expires-at and --never-expires.");
        }

        builder = ends[0] switch
        {
            "expires-in" => builder.ExpiresIn(Duration(arguments.Value("expires-in")!)),
            "expires-at" => builder.ExpiresAt(Moment("expires-at", arguments.Value("expires-at")!)),
            _ => builder.NeverExpires(),
        };
        return arguments.Value("not-before") is { } start
            ? builder.NotBefore(Moment("not-before", start))
            : builder;
    }

    private static JwtTicketBuilder Claims(ParsedArguments arguments, JwtTicketBuilder builder)
    {
        builder = arguments.Value("issuer") is { } issuer ? builder.Issuer(issuer) : builder;
        builder = arguments.Value("token-id") is { } id ? builder.TokenId(id) : builder;
        builder = arguments
            .Values("audience")
            .Aggregate(builder, static (all, audience) => all.Audience(audience));
        foreach (var claim in arguments.Values("claim"))
        {
            var (name, value) = Pair("claim", claim);
            builder = builder.Claim(name, value);
        }

        foreach (var claim in arguments.Values("claim-json"))
        {
            var (name, value) = Pair("claim-json", claim);
            builder = builder.ClaimJson(name, value);
        }

        return builder;
    }

    private static (string Name, string Value) Pair(string option, string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? (text[..equals], text[(equals + 1)..])
            : throw ArgumentParser.Wrong(Spec, $"--{option} is '{text}'; write NAME=VALUE.");
    }

    private static TimeSpan Duration(string text)
    {
        var seconds =
            text.Length < 2
                ? 0
                : text[^1] switch
                {
                    's' => 1,
                    'm' => 60,
                    'h' => 3_600,
                    'd' => 86_400,
                    _ => 0,
                };
        return
            seconds > 0
            && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count > 0
            ? TimeSpan.FromSeconds((long)count * seconds)
            : throw ArgumentParser.Wrong(
                Spec,
                $"--expires-in is '{text}'; write a number and s, m, h or d, such as 8h."
            );
    }

    private static DateTimeOffset Moment(string option, string text) =>
        DateTimeOffset.TryParse(
            text,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var moment
        )
            ? moment
            : throw ArgumentParser.Wrong(
                Spec,
                $"--{option} is '{text}'; write a moment such as 2026-12-31T23:00:00Z."
            );
}

/// <summary>Peer ids on the command line.</summary>
internal static class PeerOption
{
    /// <summary>Reads 64 hex digits.</summary>
    /// <exception cref="UsageException">It is something else.</exception>
    public static PeerId Parse(CommandSpec spec, string text) =>
        TryParse(text)
        ?? throw ArgumentParser.Wrong(spec, $"--peer is '{text}'; a peer's id has 64 hex digits.");

    /// <summary>The peer; null when the text is something else.</summary>
    public static PeerId? TryParse(string? text)
    {
        PeerId peer = default;
        return PeerId.TryParse(text, ref peer) ? peer : null;
    }
}
