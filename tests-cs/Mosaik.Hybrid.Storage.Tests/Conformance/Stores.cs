using Mosaik.Hybrid.Storage.TestKit;

namespace Mosaik.Hybrid.Storage.Tests.Conformance;

public sealed class InMemoryLogStoreConforms : LogStorageConformance
{
    protected override StorePlace CreatePlace() => new VolatilePlace(static () => new InMemoryLogStore());
}

public sealed class FileLogStoreConforms : DurableLogStorageConformance
{
    protected override StorePlace CreatePlace() =>
        new DirectoryPlace(static directory => new FileLogStore(
            directory,
            new FileLogOptions { SegmentBytes = 1024 * 1024 }
        ));
}

/// <summary>Segments so small that every sequence of calls goes through many.</summary>
public sealed class FileLogStoreWithSmallSegmentsConforms : DurableLogStorageConformance
{
    protected override StorePlace CreatePlace() =>
        new DirectoryPlace(static directory => new FileLogStore(
            directory,
            new FileLogOptions { SegmentBytes = FileLogOptions.SegmentBytesMin }
        ));
}

/// <summary>What survives the end of the process.</summary>
public sealed class FileLogStoreInTheCacheConforms : DurableLogStorageConformance
{
    protected override StorePlace CreatePlace() =>
        new DirectoryPlace(static directory => new FileLogStore(
            directory,
            new FileLogOptions
            {
                SegmentBytes = FileLogOptions.SegmentBytesMin,
                Durability = Durability.OsCache,
            }
        ));
}

/// <summary>Survives a close alone: the part of the contract that holds for any store.</summary>
public sealed class FileLogStoreWithoutDurabilityConforms : LogStorageConformance
{
    protected override StorePlace CreatePlace() => new ClosingPlace();

    /// <summary>A crash that is none: this store promises nothing about a real one.</summary>
    private sealed class ClosingPlace : StorePlace
    {
        private readonly DirectoryPlace _inner = new(static directory => new FileLogStore(
            directory,
            new FileLogOptions { SegmentBytes = FileLogOptions.SegmentBytesMin, Durability = Durability.None }
        ));

        public override ILogStorage NewStore() => _inner.NewStore();

        public override ValueTask CrashAsync(ILogStorage running) => running.DisposeAsync();

        public override ValueTask DisposeAsync() => _inner.DisposeAsync();
    }
}
