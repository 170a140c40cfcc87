using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Cli;

/// <summary>Where a node of the program keeps its log and its identity.</summary>
/// <remarks>
/// Everything of a node is in one directory: a log that came back under another identity would belong to somebody else.
/// </remarks>
internal static class NodeStorage
{
    public const string File = "file";
    public const string RocksDb = "rocksdb";
    public const string Memory = "memory";

    /// <summary>The choices, the default first.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [File, RocksDb, Memory];

    /// <summary>The identity of a node that has a directory.</summary>
    public static string IdentityFile(string directory) => Path.Combine(directory, "identity.pem");

    /// <summary>The log of a node that has a directory.</summary>
    public static string LogDirectory(string directory) => Path.Combine(directory, "log");

    /// <summary>Makes a store of a kind; touches nothing.</summary>
    public static ILogStorage Create(string kind, string? directory) =>
        kind switch
        {
            File when directory is not null => new FileLogStore(LogDirectory(directory)),
            RocksDb when directory is not null => new RocksDbLogStore(LogDirectory(directory)),
            _ => new InMemoryLogStore(),
        };
}
