using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Cli.Kv;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary><c>mosaik status</c>: joins as an observer for a moment, and says how the group is.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static CommandSpec Spec { get; } =
        new(
            "status",
            "Say how a group of 'mosaik node' is: leader, members, lag, reachability, and whether it can make progress.",
            [
                .. NodeOptions.Spec.Options.Where(static option =>
                    option.Name
                        is "network"
                            or "key-file"
                            or "listen"
                            or "peer"
                            or "founding"
                            or "ticket-file"
                            or "ticket-key-file"
                            or "ticket-issuer"
                ),
                new OptionSpec("timeout", "SECONDS", "How long to look for a leader. Default: 10."),
                new OptionSpec("json", null, "Print one JSON object."),
            ],
            ["mosaik status --network lab --key-file lab.key --peer 127.0.0.1:7001"],
            "The command joins as an observer, asks the leader, and leaves: the log gets a few entries by it. Exit code 0 only if\n"
                + "the group can make progress."
        );

    /// <summary>Looks, prints, leaves.</summary>
    public static async Task<int> RunAsync(ParsedArguments arguments)
    {
        var patience = TimeSpan.FromSeconds(arguments.Number("timeout", 10, 1, 86_400));
        var options = NodeOptions.From(arguments);
        var status = await LookAsync(options, patience);
        if (arguments.Has("json"))
        {
            await Console.Out.WriteLineAsync(ToJson(status).ToJsonString(s_indented));
        }
        else
        {
            Write(Consoles.Output, status);
        }

        return status.CanProgress ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static async Task<GroupStatus> LookAsync(NodeOptions options, TimeSpan patience)
    {
        var output = new WarningsOutput(Consoles.Error);
        var key = KeyFile.Load(options.KeyFile, create: false);
        using var signals = new StopSignals();
        await using var logger = new NodeLogger(output);
        await using var network = await NodeCommand.StartAsync(options, logger, signals.Token);
        await using var tickets = TicketFile.Attach(options.TicketFile, network, output);
        await using var group = NodeCommand
            .Builder(options, network, key)
            .WithStateMachine(new KvMachine())
            .WithCommandCodec(new KvCodec())
            .WithConsensusConfig(NodeCommand.Consensus(options).AsObserver())
            .Join();
        return await AskAsync(group, patience, signals.Token);
    }

    /// <summary>Until the leader has answered, or the patience is at its end: then what is known without it.</summary>
    private static async Task<GroupStatus> AskAsync(
        Group<KvCommand, KvQuery, KvAnswer> group,
        TimeSpan patience,
        CancellationToken cancellationToken
    )
    {
        using var over = new CancellationTokenSource(patience, TimeProvider.System);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, over.Token);
        try
        {
            while (true)
            {
                await group.When.LeaderElected(limit.Token);
                var status = await group.GetStatusAsync(limit.Token);
                if (status.IsComplete)
                {
                    return status;
                }

                await Task.Delay(s_pause, TimeProvider.System, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return group.Status;
        }
    }

    private static void Write(IAnsiConsole console, GroupStatus status)
    {
        console.MarkupLine(
            status.CanProgress ? "[green]able to make progress[/]" : "[red]not able to make progress[/]"
        );
        console.MarkupLineInterpolated($"{status.Explanation}");
        console.MarkupLineInterpolated(
            $"lineage   {(status.Lineage.IsNone ? "none" : status.Lineage.ToString())}"
        );
        console.MarkupLineInterpolated(
            $"leader    {status.Leader?.ToString() ?? "nobody"}, term {status.Term}"
        );
        if (status.Conflict.Count > 0)
        {
            console.MarkupLineInterpolated(
                $"[red]conflict[/]  other lineages live: {string.Join(", ", status.Conflict)}"
            );
        }

        var table = new Table().AddColumns(
            "member",
            "part",
            "match",
            "lag",
            "reachable",
            "silence",
            "preference",
            ""
        );
        foreach (var member in status.Members)
        {
            table.AddRow(
                member.Member.ToString(),
                Word(member.Role),
                member.Match?.ToString() ?? "?",
                member.Lag?.ToString(CultureInfo.InvariantCulture) ?? "?",
                member.IsReachable ? "yes" : "no",
                member.Silence is { } silence
                    ? string.Create(CultureInfo.InvariantCulture, $"{silence.TotalSeconds:F1} s")
                    : "?",
                member.Preference is { } preference ? Word(preference) : "?",
                Remarks(member)
            );
        }

        console.Write(table);
    }

    private static string Remarks(MemberStatus member) =>
        string.Join(
            ", ",
            new[]
            {
                member.IsLeader ? "leader" : "",
                member.IsLeaving ? "leaving" : "",
                member.IsSelf ? "this command" : "",
            }.Where(static remark => remark.Length > 0)
        );

    private static JsonObject ToJson(GroupStatus status) =>
        new()
        {
            ["canProgress"] = status.CanProgress,
            ["explanation"] = status.Explanation,
            ["complete"] = status.IsComplete,
            ["lineage"] = status.Lineage.IsNone ? null : status.Lineage.ToString(),
            ["leader"] = status.Leader?.Peer.ToString(),
            ["term"] = status.Term.Value,
            ["conflict"] = new JsonArray([
                .. status.Conflict.Select(static lineage => JsonValue.Create(lineage.ToString())),
            ]),
            ["members"] = new JsonArray([.. status.Members.Select(ToJson)]),
        };

    private static JsonObject ToJson(MemberStatus member) =>
        new()
        {
            ["peer"] = member.Member.Peer.ToString(),
            ["incarnation"] = member.Member.Incarnation.ToString(),
            ["part"] = Word(member.Role),
            ["leader"] = member.IsLeader,
            ["self"] = member.IsSelf,
            ["reachable"] = member.IsReachable,
            ["leaving"] = member.IsLeaving,
            ["match"] = member.Match?.Value,
            ["lag"] = member.Lag,
            ["silenceMs"] = member.Silence?.TotalMilliseconds,
            ["caughtUp"] = member.IsCaughtUp,
            ["preference"] = member.Preference is { } preference ? Word(preference) : null,
        };

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
