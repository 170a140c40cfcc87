using System.Buffers.Binary;
using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.Rocks;

/// <summary>Reads the books of a log from a database, and decides whether it can be believed.</summary>
/// <param name="directory">For messages.</param>
/// <param name="extent">Filled.</param>
/// <param name="watermark">What the log is held against.</param>
/// <param name="peer">Whose log it is to be.</param>
/// <param name="group">Whose log it is to be.</param>
internal sealed class RocksRecovery(
    string directory,
    LogExtent extent,
    WatermarkFile watermark,
    PeerId peer,
    GroupId group
)
{
    /// <summary>How many batches the database holds.</summary>
    public ulong Batch { get; private set; }

    /// <summary>Decides whether a database can be believed, and reads the books from it.</summary>
    /// <param name="database">Stays as it is.</param>
    /// <param name="acknowledged">What the watermark says; null when there is none.</param>
    /// <exception cref="StorageException">It can't: it is damaged, less than was acknowledged, or somebody else's.</exception>
    public void Judge(RocksDatabase database, Watermark? acknowledged)
    {
        if (database.Get(RocksFamily.State, RocksState.Identity) is { } identity)
        {
            Advice.CheckVersion(
                BinaryPrimitives.ReadUInt32LittleEndian(identity),
                RocksState.Version,
                directory
            );
            Advice.CheckOwner(
                peer,
                group,
                PeerId.FromBytes(identity.AsSpan(4, 32)),
                GroupId.FromBytes(identity.AsSpan(36, 32)),
                directory
            );
        }

        Recover(database);
        watermark.Check(acknowledged, new Watermark(Batch, extent.Last), directory);
        CheckEntries(database);
    }

    private void Recover(RocksDatabase database)
    {
        if (database.Get(RocksFamily.State, RocksState.Hard) is { } hard)
        {
            extent.Replace(
                StoredForm.ReadHardState(hard)
                    ?? throw new StorageException(
                        StorageFault.Corrupt,
                        "The hard state is damaged. " + Advice.Damaged,
                        directory
                    )
            );
        }

        var start = database.Get(RocksFamily.State, RocksState.Base) is { } value
            ? RocksState.Read(value)
            : LogPosition.Zero;
        var last = database.Get(RocksFamily.State, RocksState.Last) is { } end ? RocksState.Read(end) : start;
        Batch = database.Get(RocksFamily.State, RocksState.Batch) is { } batch
            ? BinaryPrimitives.ReadUInt64LittleEndian(batch)
            : 0;
        var configurations = Keys(database, (byte)'c').Select(static pair => pair.Index).ToList();
        extent.Restore(
            start,
            last,
            Keys(database, (byte)'t')
                .Select(static pair => new TermRun(
                    new LogIndex(pair.Index),
                    new Term(BinaryPrimitives.ReadUInt64LittleEndian(pair.Value))
                )),
            configurations.Select(static index => new LogIndex(index))
        );
    }

    /// <summary>The log must reach from its base to its end.</summary>
    private void CheckEntries(RocksDatabase database)
    {
        if (extent.First > extent.Last.Index)
        {
            return;
        }

        foreach (var index in new[] { extent.First, extent.Last.Index })
        {
            if (database.Get(RocksFamily.Log, RocksDatabase.KeyOf(index.Value)) is null)
            {
                throw new StorageException(
                    StorageFault.Lost,
                    $"Entry {index} is not there, and the log is said to reach from {extent.First} to "
                        + $"{extent.Last.Index}. "
                        + Advice.Lost,
                    directory
                );
            }
        }
    }

    private static List<(ulong Index, byte[] Value)> Keys(RocksDatabase database, byte prefix)
    {
        var found = new List<(ulong Index, byte[] Value)>();
        database.Scan(
            RocksFamily.State,
            [prefix],
            (key, value) =>
            {
                // Other keys are words, and longer or shorter than this.
                if (key[0] != prefix || key.Length != 9)
                {
                    return key[0] == prefix;
                }

                found.Add((BinaryPrimitives.ReadUInt64BigEndian(key.AsSpan(1)), value));
                return true;
            }
        );
        return found;
    }
}
