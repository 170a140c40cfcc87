using System.Text.Json;
using Mosaik.Hybrid.Cli.Kv;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>What one node had in the end.</summary>
internal sealed record NodeResult(string Name, int ProcessId, string Role, ulong Applied, KvDigest Digest)
{
    /// <summary>Reads a node's answers to <c>digest</c> and <c>status</c>.</summary>
    public static NodeResult From(NodeProcess node, JsonElement digest, JsonElement status) =>
        new(
            node.Name,
            node.ProcessId,
            RoleOf(node, status),
            digest.GetProperty("index").GetUInt64(),
            new KvDigest(
                digest.GetProperty("keys").GetInt64(),
                digest.GetProperty("puts").GetInt64(),
                digest.GetProperty("deletes").GetInt64(),
                digest.GetProperty("repeats").GetInt64(),
                digest.GetProperty("sha256").GetString()!
            )
        );

    private static string RoleOf(NodeProcess node, JsonElement status)
    {
        bool IsIn(string list) => status.GetProperty(list).EnumerateArray().Any(member => IsOf(member, node));

        return status.GetProperty("isLeader").GetBoolean() ? "leader"
            : IsIn("learners") ? "learner"
            : IsIn("voters") ? "follower"
            : "not a member";
    }

    private static bool IsOf(JsonElement member, NodeProcess node) =>
        member.GetString()!.StartsWith(node.Peer[..10], StringComparison.Ordinal);
}

/// <summary>What the demo has measured, and what it proves.</summary>
internal sealed record DemoResult
{
    public required int Commands { get; init; }

    public required int Acknowledged { get; init; }

    public required TimeSpan Elapsed { get; init; }

    /// <summary>From the kill to the first word of a new leader.</summary>
    public required TimeSpan WithoutLeader { get; init; }

    /// <summary>The longest time between two acknowledgements.</summary>
    public required TimeSpan WithoutAcknowledgement { get; init; }

    public required TimeSpan CatchUp { get; init; }

    /// <summary>Who led, by term.</summary>
    public required IReadOnlyList<string> Leaders { get; init; }

    /// <summary>The map as it must be when every command took effect once.</summary>
    public required KvDigest Expected { get; init; }

    public required IReadOnlyList<NodeResult> Nodes { get; init; }

    public double CommandsPerSecond => Acknowledged / Elapsed.TotalSeconds;

    public bool AreEqual => Nodes.All(node => node.Digest.Hash == Nodes[0].Digest.Hash);

    /// <summary>What does not hold; empty when every acknowledged command is on all nodes, once.</summary>
    public IReadOnlyList<string> Faults()
    {
        var faults = new List<string>();
        if (Acknowledged != Commands)
        {
            faults.Add($"{Commands - Acknowledged} of {Commands} commands were not acknowledged");
        }

        foreach (var node in Nodes)
        {
            var digest = node.Digest;
            Check(
                digest.Keys < Commands,
                $"{node.Name} lacks {Commands - digest.Keys} acknowledged commands"
            );
            Check(digest.Repeats > 0, $"{node.Name} applied {digest.Repeats} commands again");
            Check(digest != Expected, $"the map of {node.Name} is not what the commands make");
        }

        Check(!AreEqual, "the maps differ");
        return faults;

        void Check(bool isBroken, string fault)
        {
            if (isBroken)
            {
                faults.Add(fault);
            }
        }
    }
}
