using Microsoft.Extensions.Diagnostics.HealthChecks;
using Mosaik.Hybrid.Hosting.Runtime;

namespace Mosaik.Hybrid.Hosting.Health;

/// <summary>What a look at one group found, with a sentence that says why.</summary>
internal sealed record GroupHealth(HealthStatus Status, string Sentence)
{
    /// <summary>Whether the group runs on this node.</summary>
    public static GroupHealth Live(HostedGroup group) =>
        group.Facts switch
        {
            null => Healthy(group, "is not joined yet"),
            { Ended: { IsFaulted: true } ended } when !IsLeft(ended) => Ended(group, ended),
            _ => Healthy(group, "runs"),
        };

    /// <summary>Whether the group can work, as this node sees it.</summary>
    public static GroupHealth Ready(HostedGroup group)
    {
        if (group.Facts is not { } facts)
        {
            return Unhealthy(group, "is not joined yet");
        }

        if (facts.Ended.IsFaulted)
        {
            return Ended(group, facts.Ended);
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

        return Quorum(group, members, facts);
    }

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
