using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid;

/// <summary>How a group's log is doing on this node.</summary>
/// <param name="IsStalled">
/// The write that is on its way has taken an election timeout. This node does not lead, and does not stand for election,
/// until it comes to rest.
/// </param>
/// <param name="FirstIndex">Where the log begins: 1 until a snapshot has let it forget its beginning.</param>
/// <param name="Snapshot">What the newest snapshot stands at; zero without one.</param>
/// <param name="Health">What the store says of itself.</param>
public sealed record GroupStorageStatus(
    bool IsStalled,
    LogIndex FirstIndex,
    LogPosition Snapshot,
    StorageHealth Health
);
