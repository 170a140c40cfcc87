using System.Text.Json.Nodes;
using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Transport;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli;

/// <summary><c>mosaik recover</c>: after the loss of a majority for good, begins a new lineage on one surviving store.</summary>
internal static class RecoverCommand
{
    public static CommandSpec Spec { get; } =
        new(
            "recover",
            "After the permanent loss of a majority: make one stopped node's log the beginning of a new lineage, with this node "
                + "as its only voter.",
            [
                new OptionSpec(
                    "yes-lose-others",
                    "LINEAGE/INDEX",
                    "Do it. Names the log that is to be kept, as this command prints it without the option."
                ),
                new OptionSpec(
                    "storage",
                    "KIND",
                    $"{NodeStorage.File} or {NodeStorage.RocksDb}. Default: {NodeStorage.File}."
                ),
                new OptionSpec("group", "ID", "The GroupId, which a RocksDB store does not tell by itself."),
                new OptionSpec("json", null, "Print one JSON object."),
            ],
            ["mosaik recover node-1", "mosaik recover node-1 --yes-lose-others 1f0c33a9/1042"],
            "As long as a majority of the voters can come back, start them instead: then nothing is lost. What only the others\n"
                + "had is lost for good; what stands in this log takes effect, committed or not. Of several stores take the one\n"
                + "with the highest last position (term, then index). Other members of the former lineage are refused afterwards,\n"
                + "and report a conflict of lineages, until they are reset or get empty stores.\n"
                + "Without --yes-lose-others nothing is begun, and the exit code is 1.",
            new OptionSpec("directory", "DIR", "What --data named. The node must be stopped. Required.")
        );

    /// <summary>Shows the facts, or does it.</summary>
    /// <returns>0 only if the new lineage was begun.</returns>
    public static async Task<int> RunAsync(ParsedArguments arguments)
    {
        var directory = arguments.Operand();
        var (storage, peer, group) = await LocateAsync(arguments, directory);
        LogSurvivor survivor;
        try
        {
            survivor = await LogSurvivor.OpenAsync(storage, peer, group);
        }
        catch (InvalidOperationException exception)
        {
            throw new ToolException(exception.Message);
        }

        await using (survivor)
        {
            var token = Token(survivor);
            var former = Facts(survivor);
            if (arguments.Value("yes-lose-others") is not { } given)
            {
                Write(arguments, former, null);
                Consoles.Error.MarkupLineInterpolated(
                    $"Nothing was changed. To lose the others and go on with this log: mosaik recover {directory} --yes-lose-others {token}"
                );
                return ExitCodes.Failed;
            }

            if (!string.Equals(given, token, StringComparison.OrdinalIgnoreCase))
            {
                throw new ToolException(
                    $"--yes-lose-others names '{given}', and this log is {token}. Nothing was changed; look whether it is the one to keep."
                );
            }

            await survivor.BeginLineageAsync();
            Write(arguments, former, survivor);
            return ExitCodes.Ok;
        }
    }

    private static async Task<(ILogStorage Storage, PeerId Peer, GroupId Group)> LocateAsync(
        ParsedArguments arguments,
        string directory
    )
    {
        var log = NodeStorage.LogDirectory(directory);
        if (!Directory.Exists(log))
        {
            throw new ToolException(
                $"There is no log in '{directory}': name the directory that --data named."
            );
        }

        var kind = arguments.Choice("storage", NodeStorage.File, NodeStorage.RocksDb);
        if (kind == NodeStorage.File)
        {
            var report = await FileLogStore.InspectAsync(log);
            return report is { IsSound: true, Peer: { } owner, Group: { } known }
                ? (new FileLogStore(log), owner, known)
                : throw new ToolException(
                    $"The store in '{log}' is empty or damaged. See 'mosaik verify-log {directory}', and choose another one."
                );
        }

        var file = NodeStorage.IdentityFile(directory);
        if (!File.Exists(file))
        {
            throw new ToolException($"There is no identity file '{file}', which says whose log it is.");
        }

        using var identity = NodeIdentity.FromPemFile(file);
        return TryParse(arguments.Required("group")) is { } id
            ? (new RocksDbLogStore(log), identity.Id, id)
            : throw ArgumentParser.Wrong(Spec, "--group is no GroupId: it has 64 hexadecimal digits.");
    }

    private static GroupId? TryParse(string text)
    {
        var id = default(GroupId);
        return GroupId.TryParse(text, ref id) ? id : null;
    }

    private static string Token(LogSurvivor survivor) =>
        $"{survivor.Lineage.ToString()[..8]}/{survivor.Last.Index}";

    private static JsonObject Facts(LogSurvivor survivor) =>
        new()
        {
            ["member"] = survivor.Member.Peer.ToString(),
            ["incarnation"] = survivor.Member.Incarnation.ToString(),
            ["lineage"] = survivor.Lineage.ToString(),
            ["term"] = survivor.Term.Value,
            ["lastTerm"] = survivor.Last.Term.Value,
            ["lastIndex"] = survivor.Last.Index.Value,
            ["snapshotIndex"] = survivor.Snapshot?.Position.Index.Value,
            ["voters"] = new JsonArray([
                .. survivor.Configuration.Voters.Select(static voter => JsonValue.Create(voter.ToString())),
            ]),
        };

    private static void Write(ParsedArguments arguments, JsonObject former, LogSurvivor? after)
    {
        if (arguments.Has("json"))
        {
            former["newLineage"] = after?.Lineage.ToString();
            former["newTerm"] = after?.Term.Value;
            Console.Out.WriteLine(former.ToJsonString());
            return;
        }

        var console = Consoles.Output;
        foreach (var (name, value) in former)
        {
            console.MarkupLineInterpolated($"{name, -14}{(value is null ? "none" : value.ToString())}");
        }

        if (after is not null)
        {
            console.MarkupLineInterpolated(
                $"[green]begun[/]         lineage {after.Lineage} in term {after.Term}: this node is its only voter."
            );
            console.MarkupLine("Start it as ever; nodes with empty stores may join it.");
        }
    }
}
