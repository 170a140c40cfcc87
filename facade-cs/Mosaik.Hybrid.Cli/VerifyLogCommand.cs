using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Storage;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli;

/// <summary><c>mosaik verify-log</c>: reads a file store without changing it, and says what is there and what is wrong.</summary>
internal static class VerifyLogCommand
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static CommandSpec Spec { get; } =
        new(
            "verify-log",
            "Check every record of a stopped node's log on disk, and print what is there and what is damaged.",
            [new OptionSpec("json", null, "Print one JSON object.")],
            ["mosaik verify-log node-1", "mosaik verify-log /var/lib/orders/log --json"],
            "Nothing is changed. Exit code 0 only if the store is sound: a batch that a crash cut off is no damage.",
            new OptionSpec(
                "directory",
                "DIR",
                "What --data named, or the directory of a FileLogStore. Required."
            )
        );

    /// <summary>Checks a directory.</summary>
    /// <returns>1 when something is damaged.</returns>
    public static async Task<int> RunAsync(ParsedArguments arguments)
    {
        var given = arguments.Operand();
        if (!Directory.Exists(given))
        {
            throw new ToolException($"There is no directory '{given}'.");
        }

        var inside = NodeStorage.LogDirectory(given);
        var directory = Directory.Exists(inside) ? inside : given;
        if (!FileLogStore.IsStore(directory))
        {
            throw new ToolException(
                $"'{directory}' is no directory of a file store: it holds neither a state nor a log."
            );
        }

        var report = await FileLogStore.InspectAsync(directory);
        if (arguments.Has("json"))
        {
            await Console.Out.WriteLineAsync(ToJson(report).ToJsonString(s_indented));
        }
        else
        {
            Write(Consoles.Output, report);
        }

        return report.IsSound ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static void Write(IAnsiConsole console, FileLogReport report)
    {
        console.MarkupLineInterpolated($"[bold]{report.Directory}[/] format {report.FormatVersion}");
        console.MarkupLineInterpolated($"peer      {report.Peer?.ToString() ?? "unknown"}");
        console.MarkupLineInterpolated($"group     {report.Group?.ToString() ?? "unknown"}");
        if (report.Hard is { } hard)
        {
            console.MarkupLineInterpolated(
                $"member    {hard.Member}, session {hard.Session}, lineage {hard.Lineage}"
            );
            console.MarkupLineInterpolated(
                $"term      {hard.CurrentTerm}, vote {hard.VotedFor?.ToString() ?? "none"}, acknowledged {hard.Acknowledged}"
            );
        }

        console.MarkupLineInterpolated(
            $"entries   {report.Base.Index.Next} to {report.Last.Index}, last {report.Last}, base {report.Base}"
        );
        var runs = report.TermRuns.Select(static run => $"{run.Term} from {run.First}");
        console.MarkupLineInterpolated($"terms     {string.Join(", ", runs)}");
        var end = report.IsClosed ? "closed in good order" : "not closed";
        console.MarkupLineInterpolated($"last use  {report.Durability}, {end}");
        WriteSegments(console, report.Segments);
        foreach (var snapshot in report.Snapshots)
        {
            console.MarkupLineInterpolated($"{snapshot}");
        }

        if (report.TornTail is { } torn)
        {
            console.MarkupLineInterpolated($"[yellow]torn[/] {torn}");
        }

        foreach (var damage in report.Damages)
        {
            var offset = damage.Offset is { } place
                ? string.Create(CultureInfo.InvariantCulture, $", offset {place}")
                : "";
            console.MarkupLineInterpolated($"[red]{damage.Fault}[/] {damage.File}{offset}: {damage.Message}");
        }

        console.MarkupLine(report.IsSound ? "[green]sound[/]" : "[red]damaged[/]");
    }

    private static void WriteSegments(IAnsiConsole console, IReadOnlyList<FileLogSegment> segments)
    {
        var table = new Table().AddColumns("segment", "bytes used", "of", "batches", "records", "last entry");
        foreach (var segment in segments)
        {
            table.AddRow(
                segment.Name,
                segment.BytesUsed.ToString("N0", CultureInfo.InvariantCulture),
                segment.Bytes.ToString("N0", CultureInfo.InvariantCulture),
                segment.Batches.ToString("N0", CultureInfo.InvariantCulture),
                segment.Records.ToString("N0", CultureInfo.InvariantCulture),
                segment.Last.ToString()
            );
        }

        console.Write(table);
    }

    private static JsonObject ToJson(FileLogReport report) =>
        new()
        {
            ["directory"] = report.Directory,
            ["format"] = report.FormatVersion,
            ["sound"] = report.IsSound,
            ["peer"] = report.Peer?.ToString(),
            ["group"] = report.Group?.ToString(),
            ["hardState"] = report.Hard is { } hard ? ToJson(hard) : null,
            ["closed"] = report.IsClosed,
            ["durability"] = report.Durability.ToString(),
            ["base"] = ToJson(report.Base),
            ["last"] = ToJson(report.Last),
            ["watermark"] = ToJson(report.Acknowledged),
            ["terms"] = Array(
                report.TermRuns,
                static run => new JsonObject { ["term"] = run.Term.Value, ["first"] = run.First.Value }
            ),
            ["segments"] = Array(
                report.Segments,
                static segment => new JsonObject
                {
                    ["file"] = segment.Name,
                    ["bytes"] = segment.Bytes,
                    ["bytesUsed"] = segment.BytesUsed,
                    ["firstBatch"] = segment.FirstBatch,
                    ["batches"] = segment.Batches,
                    ["records"] = segment.Records,
                    ["last"] = ToJson(segment.Last),
                }
            ),
            ["snapshots"] = Array(
                report.Snapshots,
                static snapshot => new JsonObject
                {
                    ["position"] = ToJson(snapshot.Position),
                    ["bytes"] = snapshot.Length,
                    ["crc32c"] = snapshot.Checksum,
                }
            ),
            ["tornTail"] = report.TornTail,
            ["damages"] = Array(
                report.Damages,
                static damage => new JsonObject
                {
                    ["file"] = damage.File,
                    ["offset"] = damage.Offset,
                    ["fault"] = damage.Fault.ToString(),
                    ["message"] = damage.Message,
                }
            ),
        };

    private static JsonObject ToJson(HardState hard) =>
        new()
        {
            ["member"] = hard.Member.Peer.ToString(),
            ["incarnation"] = hard.Member.Incarnation.ToString(),
            ["session"] = hard.Session,
            ["lineage"] = hard.Lineage.ToString(),
            ["term"] = hard.CurrentTerm.Value,
            ["votedFor"] = hard.VotedFor?.Peer.ToString(),
            ["acknowledged"] = ToJson(hard.Acknowledged),
        };

    private static JsonObject ToJson(LogPosition position) =>
        new() { ["term"] = position.Term.Value, ["index"] = position.Index.Value };

    private static JsonArray Array<T>(IEnumerable<T> items, Func<T, JsonObject> convert) =>
        [.. items.Select(convert)];
}
