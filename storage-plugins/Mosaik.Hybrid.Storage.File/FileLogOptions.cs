using System.Security.Cryptography;
using Mosaik.Hybrid.Storage.FileLog;

namespace Mosaik.Hybrid.Storage;

/// <summary>How a <see cref="FileLogStore"/> keeps its files. May differ from one open to the next.</summary>
public sealed class FileLogOptions
{
    /// <summary>The smallest segment: 64 KiB.</summary>
    public const int SegmentBytesMin = 64 * 1024;

    /// <summary>The largest segment: 1 GiB.</summary>
    public const int SegmentBytesMax = 1024 * 1024 * 1024;

    /// <summary>What survives when a write has completed.</summary>
    /// <value>Default <see cref="Storage.Durability.Fsync"/>.</value>
    public Durability Durability { get; init; } = Durability.Fsync;

    /// <summary>
    /// How long a segment file is, in bytes; written full length before it is used. A batch that does not fit gets a
    /// longer one of its own.
    /// </summary>
    /// <value>Default 16 MiB; from <see cref="SegmentBytesMin"/> to <see cref="SegmentBytesMax"/>.</value>
    public int SegmentBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>How many segments that compaction has emptied are kept, to be written again.</summary>
    /// <value>Default 2; from 0.</value>
    public int SpareSegmentsMax { get; init; } = 2;

    /// <summary>A batch that takes longer than this is reported as stalled by <see cref="FileLogStore.Health"/>.</summary>
    /// <value>Default 500 ms; above zero.</value>
    public TimeSpan StallThreshold { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Where the time comes from.</summary>
    /// <value>Default: the system's clock.</value>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where the salts of segments come from; golden files need known ones.</summary>
    internal Func<ulong> Salts { get; init; } =
        static () => BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;

    /// <summary>Which run of the operating system this is.</summary>
    internal Guid Boot { get; init; } = BootId.Current;

    internal void Validate()
    {
        if (!Enum.IsDefined(Durability))
        {
            throw new ArgumentException($"There is no durability {Durability}.");
        }

        if (SegmentBytes is < SegmentBytesMin or > SegmentBytesMax)
        {
            throw new ArgumentException(
                $"SegmentBytes is {SegmentBytes}; choose from {SegmentBytesMin} to {SegmentBytesMax}."
            );
        }

        ArgumentOutOfRangeException.ThrowIfNegative(SpareSegmentsMax);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(StallThreshold, TimeSpan.Zero);
        ArgumentNullException.ThrowIfNull(TimeProvider);
    }
}
