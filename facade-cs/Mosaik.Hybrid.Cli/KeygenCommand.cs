using Mosaik.Hybrid.Cli.Arguments;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli;

/// <summary><c>mosaik keygen</c>: makes a group key.</summary>
internal static class KeygenCommand
{
    public static CommandSpec Spec { get; } =
        new(
            "keygen",
            "Make a new group key: the secret that all members of a group share.",
            [
                new OptionSpec(
                    "out",
                    "FILE",
                    "Write the key there, readable by you only, instead of printing it."
                ),
            ],
            ["mosaik keygen --out group.key"]
        );

    public static async Task<int> RunAsync(ParsedArguments arguments)
    {
        var key = GroupKey.Generate();
        if (arguments.Value("out") is not { } path)
        {
            await Console.Out.WriteLineAsync(key.Export());
            return ExitCodes.Ok;
        }

        if (!KeyFile.TryCreate(path, key))
        {
            throw new ToolException(
                $"'{path}' is there already and is not overwritten. Choose another name, or remove it first."
            );
        }

        Consoles.Error.MarkupLineInterpolated($"[green]ok[/] wrote a new group key to {path}");
        return ExitCodes.Ok;
    }
}
