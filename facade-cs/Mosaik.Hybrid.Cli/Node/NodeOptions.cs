using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>What <c>mosaik node</c> was asked to do.</summary>
internal sealed record NodeOptions
{
    private const int VotersMax = 31;

    public static CommandSpec Spec { get; } =
        new(
            "node",
            "Run one node of a group that replicates a map from text to text; commands come from standard input.",
            [
                new OptionSpec("network", "NAME", "The network: the same name on all nodes. Required."),
                new OptionSpec(
                    "key-file",
                    "FILE",
                    "The group's key, as 'mosaik keygen' writes it. Required."
                ),
                new OptionSpec("create-key", null, "Make the key file first if it is not there."),
                new OptionSpec("listen", "HOST:PORT", "Where to listen. Port 0: any free one. Default: *:0."),
                new OptionSpec(
                    "peer",
                    "HOST:PORT",
                    "A node to dial first. May be given several times.",
                    true
                ),
                new OptionSpec(
                    "identity-file",
                    "FILE",
                    "This node's key, made at the first start. Default: a new one."
                ),
                new OptionSpec(
                    "data",
                    "DIR",
                    "Keep log and identity in this directory, and be the same member after a restart."
                ),
                new OptionSpec(
                    "storage",
                    "KIND",
                    $"{string.Join(" or ", NodeStorage.Kinds)}. Default: file with --data, memory without."
                ),
                new OptionSpec(
                    "snapshot-entries",
                    "N",
                    "Save the map after every N entries, and let the log forget what is before. Default: 1000000."
                ),
                new OptionSpec(
                    "founding",
                    "N",
                    "Found the group with at least N nodes. The same on all. Default: 1."
                ),
                new OptionSpec(
                    "ticket-file",
                    "FILE",
                    "This node's ticket, as 'mosaik ticket issue' prints it. A changed file is read anew."
                ),
                new OptionSpec(
                    "ticket-key-file",
                    "FILE",
                    "Ask all peers for tickets that this public key, or secret, finds good. The same on all."
                ),
                new OptionSpec(
                    "ticket-issuer",
                    "NAME",
                    "An issuer whose tickets are good. May be given several times. The same on all.",
                    true
                ),
                new OptionSpec("exec", "FILE", "Read commands from a file instead of standard input."),
                new OptionSpec("stay", null, "Keep running after the last command, until a signal comes."),
                new OptionSpec(
                    "timeout",
                    "SECONDS",
                    "How long a command may wait for a leader. Default: 60."
                ),
                new OptionSpec(
                    "output",
                    "FORMAT",
                    "text for people, json-lines for programs. Default: text."
                ),
            ],
            [
                "mosaik node --network lab --key-file lab.key --create-key --listen 127.0.0.1:7001",
                "mosaik node --network lab --key-file lab.key --peer 127.0.0.1:7001",
                "mosaik node --network lab --key-file lab.key --peer 127.0.0.1:7001 --data node-2",
                "echo 'put colour blue' | mosaik node --network lab --key-file lab.key --peer 127.0.0.1:7001",
            ],
            InputLine.Help
                + "\nResults go to standard output, notices and errors to standard error (json-lines: all to standard output)."
                + "\nExit code 1 if a line of a file or a pipe failed."
        );

    public required string Network { get; init; }

    public required string KeyFile { get; init; }

    public bool CreateKey { get; init; }

    public PeerAddress? Listen { get; init; }

    public IReadOnlyList<PeerAddress> Peers { get; init; } = [];

    public string? IdentityFile { get; init; }

    /// <summary>Where log and identity are kept; null for nowhere.</summary>
    public string? Data { get; init; }

    /// <summary>One of <see cref="NodeStorage.Kinds"/>.</summary>
    public string Storage { get; init; } = NodeStorage.Memory;

    /// <summary>A snapshot is taken each time so many entries are applied.</summary>
    public long SnapshotEntries { get; init; } = SnapshotOptions.Default.EveryEntries!.Value;

    public int Founding { get; init; } = 1;

    public string? TicketFile { get; init; }

    public string? TicketKeyFile { get; init; }

    public IReadOnlyList<string> TicketIssuers { get; init; } = [];

    public string? Exec { get; init; }

    public bool Stay { get; init; }

    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    public bool IsJson { get; init; }

    /// <summary>Checks the arguments.</summary>
    /// <exception cref="UsageException">One of them makes no sense.</exception>
    public static NodeOptions From(ParsedArguments arguments)
    {
        var data = arguments.Value("data");
        var storage =
            arguments.Has("storage") ? arguments.Choice("storage", [.. NodeStorage.Kinds])
            : data is null ? NodeStorage.Memory
            : NodeStorage.File;
        if (storage != NodeStorage.Memory && data is null)
        {
            throw ArgumentParser.Wrong(Spec, $"--storage {storage} needs a place: give --data DIR too.");
        }

        return new NodeOptions
        {
            Network = arguments.Required("network"),
            KeyFile = arguments.Required("key-file"),
            CreateKey = arguments.Has("create-key"),
            Listen = arguments.Value("listen") is { } listen ? Address("listen", listen) : null,
            Peers = [.. arguments.Values("peer").Select(peer => Address("peer", peer))],
            IdentityFile =
                arguments.Value("identity-file") ?? (data is null ? null : NodeStorage.IdentityFile(data)),
            Data = data,
            Storage = storage,
            SnapshotEntries = arguments.Number(
                "snapshot-entries",
                SnapshotOptions.Default.EveryEntries!.Value,
                1,
                1_000_000_000
            ),
            Founding = (int)arguments.Number("founding", 1, 1, VotersMax),
            TicketFile = arguments.Value("ticket-file"),
            TicketKeyFile = arguments.Value("ticket-key-file"),
            TicketIssuers = arguments.Values("ticket-issuer"),
            Exec = arguments.Value("exec"),
            Stay = arguments.Has("stay"),
            Timeout = TimeSpan.FromSeconds(arguments.Number("timeout", 60, 1, 86_400)),
            IsJson = arguments.Choice("output", "text", "json-lines") == "json-lines",
        };
    }

    /// <summary>The consensus parameters: the defaults, but for the founding size.</summary>
    public ConsensusConfig ToConsensus()
    {
        var builder = ConsensusConfig.Builder().WithFoundingMembers(Founding);
        return (
            Founding > ConsensusConfig.Default.MaxVoters ? builder.WithMaxVoters(Founding) : builder
        ).Build();
    }

    /// <summary>When the map is saved; a tenth of what is between two snapshots stays in the log.</summary>
    public SnapshotOptions ToSnapshots() =>
        SnapshotOptions.Default with
        {
            EveryEntries = SnapshotEntries,
            EntriesKept = (int)Math.Min(SnapshotOptions.Default.EntriesKept, SnapshotEntries / 10),
        };

    private static PeerAddress Address(string option, string text) =>
        PeerAddress.TryParse(text, out var address)
            ? address
            : throw ArgumentParser.Wrong(
                Spec,
                $"--{option} is '{text}'; write host:port or [ipv6]:port, such as 127.0.0.1:7001."
            );
}
