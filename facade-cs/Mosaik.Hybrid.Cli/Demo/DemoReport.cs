using System.Globalization;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>Prints what the demo has found.</summary>
internal static class DemoReport
{
    /// <summary>Prints the tables and the verdict.</summary>
    public static void Write(IAnsiConsole console, DemoResult result)
    {
        console.WriteLine();
        console.Write(Nodes(result));
        console.Write(Numbers(result));
        var faults = result.Faults();
        foreach (var fault in faults)
        {
            console.MarkupLineInterpolated($"[red]fault:[/] {fault}");
        }

        if (faults.Count == 0)
        {
            console.MarkupLineInterpolated(
                $"[green]Every one of {result.Commands:N0} acknowledged commands is on all three nodes, and none twice.[/]"
            );
        }
    }

    private static Table Nodes(DemoResult result)
    {
        var table = new Table()
            .Border(TableBorder.Rounded)
            .AddColumns("node", "process", "role", "applied", "puts", "twice", "SHA-256");
        foreach (var node in result.Nodes)
        {
            var colour = node.Digest == result.Expected ? "green" : "red";
            table.AddRow(
                new Markup(node.Name),
                new Markup(Text($"{node.ProcessId}")),
                new Markup(node.Role),
                new Markup(Text($"{node.Applied:N0}")).RightJustified(),
                new Markup(Text($"{node.Digest.Puts:N0}")).RightJustified(),
                new Markup(Text($"{node.Digest.Repeats:N0}")).RightJustified(),
                new Markup($"[{colour}]{node.Digest.Hash[..12]}[/]")
            );
        }

        return table;
    }

    private static Table Numbers(DemoResult result) =>
        new Table()
            .Border(TableBorder.Rounded)
            .HideHeaders()
            .AddColumns("", "")
            .AddRow("elections", Text($"{result.Leaders.Count}: {string.Join(", ", result.Leaders)}"))
            .AddRow("time without a leader", Milliseconds(result.WithoutLeader))
            .AddRow("longest wait for an answer", Milliseconds(result.WithoutAcknowledgement))
            .AddRow("commands a second", Text($"{result.CommandsPerSecond:N0}"))
            .AddRow("catch-up after restart", Milliseconds(result.CatchUp))
            .AddRow(
                "acknowledged / applied",
                Text($"{result.Acknowledged:N0} / {string.Join(", ", result.Nodes.Select(Applied))}")
            )
            .AddRow("digests equal", result.AreEqual ? "[green]yes[/]" : "[red]no[/]");

    private static string Applied(NodeResult node) => Text($"{node.Digest.Puts:N0}");

    private static string Milliseconds(TimeSpan time) => Text($"{time.TotalMilliseconds:N0} ms");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
