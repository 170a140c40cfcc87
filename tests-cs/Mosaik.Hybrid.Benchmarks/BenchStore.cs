using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>Stores by name, each over an empty directory of its own.</summary>
internal static class BenchStore
{
    public const string Memory = "memory";

    public static IReadOnlyList<string> Kinds { get; } = [Memory, "file", "rocksdb"];

    public static ILogStorage Create(string kind, string directory, int segmentBytes = 0) =>
        kind switch
        {
            "file" => new FileLogStore(
                directory,
                segmentBytes == 0 ? null : new FileLogOptions { SegmentBytes = segmentBytes }
            ),
            "rocksdb" => new RocksDbLogStore(directory),
            _ => new InMemoryLogStore(),
        };

    /// <summary>The word after <c>--storage</c>; memory when it is not said.</summary>
    public static string Of(IReadOnlyList<string> arguments)
    {
        var kind = Option(arguments, "--storage") ?? Memory;
        return Kinds.Contains(kind)
            ? kind
            : throw new ArgumentException($"--storage is one of {string.Join(", ", Kinds)}.");
    }

    /// <summary>The word after an option; null when it is not said.</summary>
    public static string? Option(IReadOnlyList<string> arguments, string name)
    {
        for (var place = 0; place + 1 < arguments.Count; place++)
        {
            if (arguments[place] == name)
            {
                return arguments[place + 1];
            }
        }

        return null;
    }
}
