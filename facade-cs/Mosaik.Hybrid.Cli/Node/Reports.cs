using Mosaik.Hybrid.Cli.Kv;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>The words and facts of the results of commands.</summary>
internal static class Reports
{
    /// <summary>A put or delete took effect.</summary>
    public static NodeReport Written(long line, string word, string key, LogIndex index) =>
        new(
            ReportKind.Result,
            "result",
            $"{word} {key}: ok, index {index}",
            ("line", line),
            ("command", word),
            ("index", index.Value)
        );

    /// <summary>A key's value, or that it has none.</summary>
    public static NodeReport Value(long line, InputLine asked, QueryAnswer<KvAnswer> answer)
    {
        var word = asked.Verb.ToString().ToLowerInvariant();
        var value = answer.Result.Value;
        return new NodeReport(
            ReportKind.Result,
            "result",
            value is null ? $"{asked.Key} is not set" : $"{asked.Key} = {value}",
            ("line", line),
            ("command", word),
            ("key", asked.Key),
            ("value", value),
            ("index", answer.Position.Index.Value)
        );
    }

    /// <summary>The whole map in a few numbers.</summary>
    public static NodeReport Digest(long line, KvDigest digest, LogIndex applied) =>
        new(
            ReportKind.Result,
            "result",
            $"{digest.Keys} keys, {digest.Puts} puts ({digest.Repeats} to a key that had a value), "
                + $"{digest.Deletes} deletes, applied index {applied}\nsha256 {digest.Hash}",
            ("line", line),
            ("command", "digest"),
            ("keys", digest.Keys),
            ("puts", digest.Puts),
            ("repeats", digest.Repeats),
            ("deletes", digest.Deletes),
            ("index", applied.Value),
            ("sha256", digest.Hash)
        );

    /// <summary>This node has applied what was waited for.</summary>
    public static NodeReport Waited(long line, LogIndex applied) =>
        new(
            ReportKind.Result,
            "result",
            $"applied index {applied}",
            ("line", line),
            ("command", "wait"),
            ("index", applied.Value)
        );

    /// <summary>How the node does.</summary>
    public static NodeReport Status(long line, Group<KvCommand, KvQuery, KvAnswer> group)
    {
        var leader = group.Leader;
        var members = group.Members;
        var observers = members.Observers.Count;
        var bonds = group.Bonds;
        var storage = group.Storage;
        var status = group.Status;
        var snapshot = storage.Snapshot.Index == LogIndex.Zero ? "none" : $"at {storage.Snapshot}";
        return new NodeReport(
            ReportKind.Result,
            "result",
            $"""
            group   {group.Id.Short}, {(group.IsOnline ? "online" : "offline")}
            leader  {(group.IsLeader ? "this node" : leader?.Short ?? "nobody")}, term {group.Term}
            applied {group.Committed} of {group.LogPosition.Index}
            log     from {storage.FirstIndex}, snapshot {snapshot}{(
                storage.IsStalled ? ", disk stalled" : ""
            )}
            members {members.Voters.Count} voters, {members.Learners.Count} learners, {observers} observers
            bonds   {(bonds.Count == 0 ? "none" : string.Join(", ", bonds))}
            lineage {(status.Lineage.IsNone ? "none" : status.Lineage)}{(
                status.Conflict.Count == 0 ? "" : $", in conflict with {string.Join(", ", status.Conflict)}"
            )}
            state   {status.Explanation}
            """,
            ("line", line),
            ("command", "status"),
            ("group", group.Id.ToString()),
            ("online", group.IsOnline),
            ("leader", leader?.ToString()),
            ("isLeader", group.IsLeader),
            ("term", group.Term.Value),
            ("index", group.Committed.Value),
            ("logIndex", group.LogPosition.Index.Value),
            ("firstIndex", storage.FirstIndex.Value),
            ("snapshotIndex", storage.Snapshot.Index.Value),
            ("diskStalled", storage.IsStalled),
            ("voters", Names(members.Voters)),
            ("learners", Names(members.Learners)),
            ("observers", Names(members.Observers)),
            ("lineage", status.Lineage.IsNone ? null : status.Lineage.ToString()),
            ("conflict", (string[])[.. status.Conflict.Select(lineage => lineage.ToString())]),
            ("canProgress", status.CanProgress),
            ("explanation", status.Explanation),
            ("bonds", (string[])[.. bonds.Select(bond => bond.Peer.ToString())])
        );
    }

    /// <summary>The list of commands.</summary>
    public static NodeReport Help(long line) =>
        new(ReportKind.Result, "result", InputLine.Help, ("line", line), ("command", "help"));

    /// <summary>A line failed or made no sense.</summary>
    public static NodeReport Failure(long line, string message) =>
        new(ReportKind.Failure, "error", $"line {line}: {message}", ("line", line), ("message", message));

    /// <summary>The node is there.</summary>
    public static NodeReport Ready(Network network, Group<KvCommand, KvQuery, KvAnswer> group)
    {
        string[] addresses = [.. network.Addresses.Select(address => address.ToString())];
        return new NodeReport(
            ReportKind.Notice,
            "ready",
            $"node {network.LocalPeer.Short} of network {network.Name}, listens on {string.Join(", ", addresses)}",
            ("peer", network.LocalPeer.ToString()),
            ("network", network.Name),
            ("group", group.Id.ToString()),
            ("addresses", addresses)
        );
    }

    /// <summary>The node ends, in good order.</summary>
    public static NodeReport End(string reason) =>
        new(ReportKind.Notice, "end", $"leaving: {reason}", ("reason", reason));

    /// <summary>Something to look at.</summary>
    public static NodeReport Warning(string message) =>
        new(ReportKind.Warning, "warning", message, ("message", message));

    private static string[] Names(IEnumerable<MemberId> members) =>
        [.. members.Select(member => member.ToString())];
}
