using Mosaik.Hybrid.Storage.TestKit;

namespace CustomStorage;

/// <summary>All that an author of a store has to write to have it checked: run it by <c>dotnet test</c>.</summary>
public sealed class OneFileStoreConforms : DurableLogStorageConformance
{
    protected override StorePlace CreatePlace() =>
        new DirectoryPlace(static directory => new OneFileStore(directory));
}
