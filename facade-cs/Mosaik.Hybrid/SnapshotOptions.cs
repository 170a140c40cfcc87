namespace Mosaik.Hybrid;

/// <summary>When this node takes snapshots of a machine that can be saved, and how much of the log stays.</summary>
/// <remarks>
/// This node's affair: not part of the GroupId. Whatever comes first takes a snapshot; one at a time, and none when nothing
/// was applied since the last. Entries and bytes take none before the log since the last one is about as long as that one:
/// a large state is not written again for a few commands. Machines without <see cref="ISnapshotMachine"/> keep the whole log.
/// </remarks>
public sealed record SnapshotOptions
{
    private static readonly TimeSpan s_ageMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_ageMax = TimeSpan.FromDays(365);

    /// <summary>A million entries, 256 MiB or a day; 10,000 entries stay.</summary>
    public static SnapshotOptions Default { get; } = new();

    /// <summary>Never by itself; <c>TakeSnapshotAsync</c> still does.</summary>
    public static SnapshotOptions Manual { get; } =
        new()
        {
            EveryEntries = null,
            EveryBytes = null,
            EveryAge = null,
        };

    /// <summary>After so many entries since the last one: from 1. Null for never.</summary>
    public long? EveryEntries { get; init; } = 1_000_000;

    /// <summary>After so many payload bytes since the last one: from 1. Null for never.</summary>
    public long? EveryBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>When the last one is so old, or up to a minute older: from a second to a year. Null for never.</summary>
    public TimeSpan? EveryAge { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How many entries before a snapshot stay in the log: 0 to 1,000,000,000.</summary>
    /// <remarks>A member that is behind by fewer catches up by entries, which is cheaper than a snapshot.</remarks>
    public int EntriesKept { get; init; } = 10_000;

    internal void Validate()
    {
        Require(EveryEntries is null or >= 1, nameof(EveryEntries), EveryEntries, "1 or more, or null");
        Require(EveryBytes is null or >= 1, nameof(EveryBytes), EveryBytes, "1 or more, or null");
        var isAgeGood = EveryAge is not { } age || (age >= s_ageMin && age <= s_ageMax);
        Require(isAgeGood, nameof(EveryAge), EveryAge, "from a second to a year, or null");
        Require(
            EntriesKept is >= 0 and <= 1_000_000_000,
            nameof(EntriesKept),
            EntriesKept,
            "0 to 1,000,000,000"
        );
    }

    private static void Require(bool isGood, string setting, object? value, string range)
    {
        if (!isGood)
        {
            throw new ArgumentOutOfRangeException(setting, value, $"{setting} must be {range}.");
        }
    }
}
