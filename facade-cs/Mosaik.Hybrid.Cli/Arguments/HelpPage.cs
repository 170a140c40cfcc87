using Spectre.Console;

namespace Mosaik.Hybrid.Cli.Arguments;

/// <summary>Prints what the program can do.</summary>
internal static class HelpPage
{
    /// <summary>Prints the commands.</summary>
    public static void WriteOverview(IAnsiConsole console, IReadOnlyList<CommandSpec> commands)
    {
        console.MarkupLine(
            "[bold]mosaik[/]: a few processes become one group and replicate one state machine."
        );
        console.WriteLine();
        console.MarkupLine("[bold]Usage[/]  mosaik [green]COMMAND[/] [grey][[options]][/]");
        console.WriteLine();
        var rows = commands.Select(command => (command.Name, command.Summary)).ToList();
        rows.Add(("--version", "Print the version."));
        rows.Add(("COMMAND --help", "Print all options of a command."));
        WriteRows(console, rows);
        console.WriteLine();
        console.MarkupLine("Exit code: 0 ok, 1 failed, 2 wrong usage.");
    }

    /// <summary>Prints one command's options.</summary>
    public static void Write(IAnsiConsole console, CommandSpec command)
    {
        console.WriteLine(command.Summary);
        console.WriteLine();
        var operand = command.Operand is { } named ? $" {named.ValueName}" : "";
        console.MarkupLineInterpolated(
            $"[bold]Usage[/]  mosaik {command.Name}{operand} [grey][[options]][/]"
        );
        console.WriteLine();
        var rows = command.Options.Select(option => (Left(option), option.Help));
        WriteRows(
            console,
            command.Operand is { } first ? [(first.ValueName!, first.Help), .. rows] : [.. rows]
        );
        if (command.Notes.Length > 0)
        {
            console.WriteLine();
            console.WriteLine(command.Notes);
        }

        console.WriteLine();
        console.MarkupLine("[bold]Examples[/]");
        foreach (var example in command.Examples)
        {
            console.MarkupLineInterpolated($"  [green]{example}[/]");
        }
    }

    private static string Left(OptionSpec option) =>
        option.ValueName is null ? $"--{option.Name}" : $"--{option.Name} {option.ValueName}";

    private static void WriteRows(IAnsiConsole console, IReadOnlyList<(string Left, string Right)> rows)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap().PadLeft(2).PadRight(2)).AddColumn();
        foreach (var (left, right) in rows)
        {
            grid.AddRow(new Text(left, new Style(Color.Green)), new Text(right));
        }

        console.Write(grid);
    }
}
