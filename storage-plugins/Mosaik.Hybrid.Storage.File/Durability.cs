namespace Mosaik.Hybrid.Storage;

/// <summary>What survives when <see cref="FileLogStore.WriteAsync"/> has completed.</summary>
/// <remarks>
/// A store never guesses. One that was not closed, and whose last writes may be gone, refuses to open with
/// <see cref="StorageFault.Lost"/>: the choice costs availability after a crash, never correctness.
/// </remarks>
public enum Durability
{
    /// <summary>A power loss: the disk has confirmed the batch. The default.</summary>
    Fsync = 0,

    /// <summary>
    /// The end of the process, however it ends, and not the end of the operating system: after a power loss the store
    /// refuses to open.
    /// </summary>
    OsCache = 1,

    /// <summary>
    /// Nothing until the store is closed: batches gather in the process. After anything but a close the store refuses
    /// to open. For measurements, and for data that can be had again.
    /// </summary>
    None = 2,
}
