using System.Reflection;
using System.Runtime.InteropServices;

namespace Mosaik.Hybrid.Storage.Rocks;

/// <summary>Finds the platform's library.</summary>
internal static class RocksLibrary
{
    public const string Name = "rocksdb";
    public const string Variable = "MOSAIK_ROCKSDB";

    private static readonly string[] s_names =
    [
        "librocksdb.so.7.8",
        "librocksdb.so.8",
        "librocksdb.so.9",
        "librocksdb.so",
        "librocksdb.dylib",
        "rocksdb.dll",
    ];

    private static readonly Lazy<nint> s_handle = new(Load);

    static RocksLibrary() =>
        NativeLibrary.SetDllImportResolver(
            typeof(RocksLibrary).Assembly,
            static (name, _, _) => name == Name ? s_handle.Value : 0
        );

    /// <summary>True when the library is there.</summary>
    public static bool IsInstalled => s_handle.Value != 0;

    /// <summary>Throws when the library is not there.</summary>
    /// <exception cref="StorageException">It is not; the message names what to install.</exception>
    public static void ThrowUnlessInstalled()
    {
        if (!IsInstalled)
        {
            throw new StorageException(
                StorageFault.Missing,
                "RocksDB's library is not installed. Install it (Debian 12: apt-get install librocksdb7.8), "
                    + $"or name the file in the environment variable {Variable}. Looked for {string.Join(", ", s_names)}."
            );
        }
    }

    private static nint Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var given = Environment.GetEnvironmentVariable(Variable);
        var candidates = string.IsNullOrEmpty(given) ? s_names : [given];
        foreach (var candidate in candidates)
        {
            if (
                NativeLibrary.TryLoad(
                    candidate,
                    assembly,
                    DllImportSearchPath.SafeDirectories,
                    out var handle
                )
            )
            {
                return handle;
            }
        }

        return 0;
    }
}
