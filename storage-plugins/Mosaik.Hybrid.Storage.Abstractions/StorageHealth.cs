namespace Mosaik.Hybrid.Storage;

/// <summary>How a store is doing. A store reports what it knows; null means that it does not measure this.</summary>
/// <param name="WriteLatency">How long recent batches took until durable, smoothed; null when not measured.</param>
/// <param name="StalledSince">Since when the batch being written makes no progress; null when none is stuck.</param>
/// <param name="FreeBytes">How many bytes can still be written; null when unlimited or unknown.</param>
public sealed record StorageHealth(TimeSpan? WriteLatency, DateTimeOffset? StalledSince, long? FreeBytes)
{
    /// <summary>Nothing is measured.</summary>
    public static StorageHealth Unknown { get; } = new(null, null, null);
}
