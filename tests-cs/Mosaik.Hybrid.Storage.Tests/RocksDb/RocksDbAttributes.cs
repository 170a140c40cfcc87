using Xunit;

namespace Mosaik.Hybrid.Storage.Tests.RocksDb;

/// <summary>A test that needs RocksDB's library.</summary>
internal sealed class RocksDbFactAttribute : FactAttribute
{
    public RocksDbFactAttribute() => Skip = RocksDbInstalled.WhyNot;
}

/// <summary>A test with data that needs RocksDB's library.</summary>
internal sealed class RocksDbTheoryAttribute : TheoryAttribute
{
    public RocksDbTheoryAttribute() => Skip = RocksDbInstalled.WhyNot;
}

internal static class RocksDbInstalled
{
    public static string? WhyNot { get; } =
        RocksDbLogStore.IsInstalled
            ? null
            : "RocksDB's library is not installed (Debian 12: apt-get install librocksdb7.8).";
}
