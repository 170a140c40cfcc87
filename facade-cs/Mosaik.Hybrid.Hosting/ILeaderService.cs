namespace Mosaik.Hybrid.Hosting;

/// <summary>A job that only the leader of a group runs. See <see cref="MosaikBuilder.AddLeaderService"/>.</summary>
public interface ILeaderService
{
    /// <summary>The job, from the moment when this node learns that it leads.</summary>
    /// <param name="leadership">Which leadership this is, with the number to fence with.</param>
    /// <param name="cancellationToken">
    /// Cancelled when this node learns that it does not lead any more, when the group ends on it, and when the host
    /// stops.
    /// </param>
    /// <returns>
    /// When the job is done or was told to stop. Done early, it runs again when this node is elected again, and not
    /// before.
    /// </returns>
    /// <remarks>
    /// <para>
    /// On one node, runs of a job never overlap: the next waits until this one has returned. On different nodes they
    /// can: a leader that is cut off or paused learns late that there is another. What must not happen twice is
    /// therefore fenced: see <see cref="Leadership.FencingNumber"/>.
    /// </para>
    /// <para>
    /// An exception ends the job on this node, and the host handles it as it handles those of a background service:
    /// by default it stops. One that comes after the token was cancelled is only logged.
    /// </para>
    /// </remarks>
    Task RunAsync(Leadership leadership, CancellationToken cancellationToken);
}

/// <summary>One time that this node leads a group: from an election to the loss of the lead.</summary>
/// <param name="Group">This program's name for the group.</param>
/// <param name="FencingNumber">
/// The term of the leadership, from 1. No two nodes ever lead a group with the same number, and a later leader's is
/// greater than every earlier one's.
/// </param>
/// <remarks>
/// <para>
/// To fence, give the number with every write to a resource outside of the group, and let the resource remember the
/// greatest that it has seen and refuse smaller ones. Then nothing that a deposed leader still does takes effect once
/// its successor has written. The number by itself stops nobody: a resource that does not compare it is not protected,
/// and between the election and the successor's first write it still takes the former leader's.
/// </para>
/// <para>
/// It holds for one lineage of the group. When all members have lost their logs, or a partition at birth founded two
/// lineages (which needs less founding members than nodes), numbers begin anew: keep the log on disk, and set
/// <see cref="MosaikConsensusOptions.FoundingMembers"/> to the number of nodes.
/// </para>
/// </remarks>
public sealed record Leadership(string Group, long FencingNumber);
