using Mosaik.Hybrid.Cli.Arguments;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>What <c>mosaik demo</c> was asked to do.</summary>
internal sealed record DemoOptions(int Commands, ulong Seed, string Storage, bool Keep, bool Verbose)
{
    private const int CommandsDefault = 20_000;

    public static CommandSpec Spec { get; } =
        new(
            "demo",
            "Start three processes, replicate commands, kill the leader half way, and prove that nothing was lost.",
            [
                new OptionSpec("commands", "N", "How many puts to replicate. Default: 20,000."),
                new OptionSpec("seed", "N", "From what the commands are generated. Default: 1."),
                new OptionSpec(
                    "storage",
                    "KIND",
                    $"Where the nodes keep their logs: {string.Join(" or ", NodeStorage.Kinds)}. Default: file."
                ),
                new OptionSpec(
                    "keep",
                    null,
                    "Keep the directory with keys, logs and commands, and print where it is."
                ),
                new OptionSpec("verbose", null, "Print what the nodes say."),
            ],
            ["mosaik demo", "mosaik demo --storage memory", "mosaik demo --commands 100000 --verbose"],
            "Exit code 0 only if every acknowledged command is on all three nodes, and none took effect twice."
        );

    /// <summary>Checks the arguments.</summary>
    /// <exception cref="UsageException">One of them makes no sense.</exception>
    public static DemoOptions From(ParsedArguments arguments) =>
        new(
            (int)arguments.Number("commands", CommandsDefault, 2, 1_000_000),
            (ulong)arguments.Number("seed", 1, 0, long.MaxValue),
            arguments.Choice("storage", [.. NodeStorage.Kinds]),
            arguments.Has("keep"),
            arguments.Has("verbose")
        );
}
