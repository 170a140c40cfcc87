using System.Globalization;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>What the demo shows while it runs: steps, and a progress bar where there is a terminal.</summary>
internal sealed class DemoScreen(IAnsiConsole console)
{
    private const int PlainSteps = 10;

    /// <summary>Prints what the demo is about to do.</summary>
    public void Title(int commands)
    {
        console.MarkupLine("[bold]mosaik demo[/]: three processes become one group, and one of them dies");
        console.MarkupLineInterpolated(
            $"[grey]{commands:N0} puts through a follower; the leader is killed half way and started again[/]"
        );
        console.WriteLine();
    }

    /// <summary>Prints a step that is done.</summary>
    public void Done(FormattableString text) => Step("[green]ok[/]    ", text);

    /// <summary>Prints what was done to the group.</summary>
    public void Strike(FormattableString text) => Step("[red]kill[/]  ", text);

    /// <summary>Prints an aside.</summary>
    public void Whisper(string text) => console.MarkupLineInterpolated($"[grey]      {text}[/]");

    /// <summary>Runs work that tells how far it is.</summary>
    public async Task ProgressAsync(int total, Func<Action<int>, Task> work)
    {
        if (!console.Profile.Capabilities.Interactive)
        {
            await work(value => Plain(value, total));
            return;
        }

        await console
            .Progress()
            .Columns(
                new TaskDescriptionColumn(),
                new ProgressBarColumn(),
                new PercentageColumn(),
                new ElapsedTimeColumn(),
                new SpinnerColumn()
            )
            .StartAsync(async context =>
            {
                var task = context.AddTask("acknowledged", maxValue: total);
                await work(value => task.Value = value);
            });
    }

    /// <summary>In one piece, or the progress bar would come between.</summary>
    private void Step(string mark, FormattableString text) =>
        console.MarkupLine(mark + Markup.Escape(text.ToString(CultureInfo.InvariantCulture)));

    private void Plain(int value, int total)
    {
        // One line for each tenth, however the total divides.
        if (value * (long)PlainSteps / total > (value - 1L) * PlainSteps / total)
        {
            console.WriteLine($"      {value:N0} of {total:N0} acknowledged");
        }
    }
}
