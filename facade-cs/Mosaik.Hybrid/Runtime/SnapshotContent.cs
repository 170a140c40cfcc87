using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Between what a store knows of a snapshot and what the core knows of it.</summary>
internal static class SnapshotContent
{
    /// <summary>What the core wants to know.</summary>
    /// <exception cref="StorageException">The configuration beside the snapshot is none.</exception>
    public static SnapshotFacts ToFacts(SnapshotInfo info)
    {
        var decoded = ConfigurationModule.decode(info.Configuration);
        if (decoded.IsError)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"The configuration beside the {info} is none: {decoded.ErrorValue}."
            );
        }

        var (lineage, configuration) = decoded.ResultValue;
        return new SnapshotFacts(lineage, info.Position, configuration, info.Length, info.Checksum);
    }

    /// <summary>What a store wants to know.</summary>
    public static SnapshotInfo ToInfo(SnapshotFacts facts) =>
        new(
            facts.Position,
            ConfigurationModule.encode(facts.Lineage, facts.Configuration),
            facts.Length,
            facts.Checksum
        );

    /// <summary>
    /// The same snapshot as a part of another lineage: one that an operator began on the log that the snapshot belongs to.
    /// </summary>
    public static SnapshotFacts InLineage(SnapshotFacts facts, Lineage lineage) =>
        new(lineage, facts.Position, facts.Configuration, facts.Length, facts.Checksum);

    /// <summary>The same snapshot, and not only one of the same position; whichever lineage it is counted to.</summary>
    public static bool IsSame(SnapshotFacts left, SnapshotFacts right) =>
        ToInfo(InLineage(left, right.Lineage)).Equals(ToInfo(right));

    /// <summary>Reads what comes before the machine's own bytes; the stream stands at those afterwards.</summary>
    /// <exception cref="StorageException">It is no head.</exception>
    public static async ValueTask<SnapshotHead> ReadHeadAsync(
        Stream content,
        CancellationToken cancellationToken
    )
    {
        var start = new byte[SnapshotHeadModule.fixedSize];
        await ReadAsync(content, start, cancellationToken).ConfigureAwait(false);
        var size = SnapshotHeadModule.sizeOf(start);
        if (size.IsError)
        {
            throw Damaged(size.ErrorValue.ToString());
        }

        var head = new byte[size.ResultValue];
        start.CopyTo(head, 0);
        await ReadAsync(content, head.AsMemory(start.Length), cancellationToken).ConfigureAwait(false);
        var decoded = SnapshotHeadModule.decode(head);
        return decoded.IsError ? throw Damaged(decoded.ErrorValue.ToString()) : decoded.ResultValue;
    }

    /// <summary>The log begins after a position, and the machine is not made for that.</summary>
    public static GroupTerminatedException Unsupported(LogPosition position, string machine) =>
        new(
            TerminationReason.SnapshotsUnsupported,
            new NotSupportedException(
                $"A snapshot at {position} stands for what was before, and {machine} does not implement {nameof(ISnapshotMachine)}."
            )
        );

    private static async ValueTask ReadAsync(
        Stream content,
        Memory<byte> destination,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await content.ReadExactlyAsync(destination, cancellationToken).ConfigureAwait(false);
        }
        catch (EndOfStreamException)
        {
            throw Damaged("it ends within its head");
        }
    }

    private static StorageException Damaged(string what) =>
        new(
            StorageFault.Corrupt,
            $"The snapshot can't be read: {what}. Give the node an empty store, and it joins as a new member."
        );
}
