using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Mosaik.Hybrid.Hosting.Runtime;

namespace Mosaik.Hybrid.Hosting.Health;

/// <summary>What a look at one group found, with a sentence that says why.</summary>
internal sealed record GroupHealth(HealthStatus Status, string Sentence)
{
    /// <summary>Whether the group runs on this node.</summary>
    public static async Task<GroupHealth> LiveAsync(
        HostedGroup group,
        MosaikHealthOptions options,
        CancellationToken cancellationToken
    )
    {
        if (group.Facts is not { } facts)
        {
            return Healthy(group, "is not joined yet");
        }

        if (facts.Ended.IsFaulted)
        {
            return IsLeft(facts.Ended) ? Healthy(group, "was left") : Ended(group, facts.Ended);
        }

        return await facts.Loop.TurnsAsync(options.LoopTimeout, cancellationToken).ConfigureAwait(false)
            ? Healthy(group, "runs")
            : Unhealthy(
                group,
                $"hangs on this node: its loop has not turned for {options.LoopTimeout.TotalSeconds:0.###} seconds"
            );
    }

    /// <summary>Whether the group can work, as this node sees it.</summary>
    public static Task<GroupHealth> ReadyAsync(
        HostedGroup group,
        MosaikHealthOptions options,
        CancellationToken cancellationToken
    ) => Task.FromResult(Ready(group, options));

    private static GroupHealth Ready(HostedGroup group, MosaikHealthOptions options)
    {
        if (group.Facts is not { } facts)
        {
            return Unhealthy(group, "is not joined yet");
        }

        if (facts.Ended.IsFaulted)
        {
            return Ended(group, facts.Ended);
        }

        var storage = facts.Storage();
        if (storage.IsStalled || storage.Health.StalledSince is not null)
        {
            return Unhealthy(group, "waits for this node's disk, which makes no progress");
        }

        var members = facts.Members();
        if (facts.Leader() is not { } leader)
        {
            return Unhealthy(group, "has no leader that this node knows");
        }

        if (!members.All.Any(member => member.Peer == facts.Self))
        {
            return Unhealthy(group, "has not admitted this node yet");
        }

        if (!facts.IsOnline())
        {
            return Unhealthy(
                group,
                $"is ahead of this node, which lacks entries that leader {leader.Short} has"
            );
        }

        var lag = facts.Lag();
        return lag > options.LagMax
            ? Unhealthy(
                group,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"is ahead of this node's state machine, which has {lag:N0} entries to apply; {options.LagMax:N0} are allowed"
                )
            )
            : Worst(Lineages(group, facts), Quorum(group, members, facts), Room(group, storage, options));
    }

    /// <summary>The worst of what was found; of two that are as bad, the first.</summary>
    private static GroupHealth Worst(params IEnumerable<GroupHealth?> found) =>
        found.OfType<GroupHealth>().MinBy(static health => health.Status)!;

    /// <summary>Other lineages of the group; null when there are none.</summary>
    private static GroupHealth? Lineages(HostedGroup group, GroupFacts facts) =>
        facts.Conflicts() is var others and > 0
            ? new GroupHealth(
                HealthStatus.Degraded,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Group '{group.Name}' was founded more than once: {others} other lineages of it live, "
                ) + "whose logs never mix with this one; reset one side."
            )
            : null;

    /// <summary>Too little room for the log; null when there is enough.</summary>
    private static GroupHealth? Room(
        HostedGroup group,
        GroupStorageStatus storage,
        MosaikHealthOptions options
    ) =>
        storage.Health.FreeBytes is { } free && free < options.FreeBytesMin
            ? new GroupHealth(
                HealthStatus.Degraded,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Group '{group.Name}' has little room for its log on this node: {free:N0} bytes of {options.FreeBytesMin:N0}."
                )
            )
            : null;

    /// <summary>How far the group is from standing still.</summary>
    private static GroupHealth Quorum(HostedGroup group, GroupMembers members, GroupFacts facts)
    {
        var bonded = facts
            .Bonds()
            .Select(static bond => new MemberId(bond.Peer, bond.Incarnation))
            .ToHashSet();
        var voters = members.Voters.Count;
        // A voter of this peer is this node, unless this life of it does not vote: then the voter is a former life, and lost.
        var votes = !members.Learners.Concat(members.Observers).Any(member => member.Peer == facts.Self);
        var reached = members.Voters.Count(voter =>
            (voter.Peer == facts.Self && votes) || bonded.Contains(voter)
        );
        var majority = voters / 2 + 1;
        if (reached < majority)
        {
            return Unhealthy(
                group,
                $"stands still: this node reaches {reached} of {voters} voters, and {majority} decide"
            );
        }

        return reached == majority
            ? new GroupHealth(
                HealthStatus.Degraded,
                $"Group '{group.Name}' stops when one more voter is lost: {reached} of {voters} voters are reached, "
                    + $"and {majority} decide."
            )
            : Healthy(group, $"works: {reached} of {voters} voters are reached");
    }

    /// <summary>In good order: the host stops.</summary>
    private static bool IsLeft(Task ended) =>
        ended.Exception?.InnerException
            is GroupTerminatedException
            {
                Reason: TerminationReason.Left or TerminationReason.NetworkStopped
            };

    private static GroupHealth Ended(HostedGroup group, Task ended) =>
        Unhealthy(
            group,
            IsLeft(ended)
                ? "was left, since the host stops"
                : $"has ended on this node: {ended.Exception?.InnerException?.Message.TrimEnd('.')}"
        );

    private static GroupHealth Healthy(HostedGroup group, string what) =>
        new(HealthStatus.Healthy, $"Group '{group.Name}' {what}.");

    private static GroupHealth Unhealthy(HostedGroup group, string what) =>
        new(HealthStatus.Unhealthy, $"Group '{group.Name}' {what}.");
}
