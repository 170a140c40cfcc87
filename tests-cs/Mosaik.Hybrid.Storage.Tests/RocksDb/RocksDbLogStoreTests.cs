using System.Reflection;
using System.Runtime.ExceptionServices;
using Mosaik.Hybrid.Storage.TestKit;
using Xunit;
using Xunit.Sdk;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.RocksDb;

/// <summary>The conformance kit over RocksDB, and what this store does besides.</summary>
/// <remarks>
/// The kit is run case by case instead of being inherited, so that each is skipped with a reason where the library
/// is missing.
/// </remarks>
public sealed class RocksDbLogStoreTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mosaik-rocksdb-");

    /// <summary>Every test of the kit, by name and arguments.</summary>
    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var method in Methods())
            {
                for (var place = 0; place < ArgumentsOf(method).Count; place++)
                {
                    cases.Add(method.Name, place);
                }
            }

            return cases;
        }
    }

    public void Dispose() => _root.Delete(recursive: true);

    [RocksDbTheory]
    [MemberData(nameof(Cases))]
    public async Task Conforms(string name, int place)
    {
        var method = Methods().Single(method => method.Name == name);
        var test = new Conformance();
        await test.InitializeAsync();
        try
        {
            var result = method.Invoke(test, ArgumentsOf(method)[place]);
            await (result as Task ?? Task.CompletedTask);
        }
        catch (TargetInvocationException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerException!);
        }
        finally
        {
            await test.DisposeAsync();
        }
    }

    [Fact]
    public async Task WithoutTheLibrary_OneErrorNamesThePackage()
    {
        if (RocksDbLogStore.IsInstalled)
        {
            Assert.Null(RocksDbInstalled.WhyNot);
            return;
        }

        await using var store = new RocksDbLogStore(_root.FullName);
        var error = await Assert.ThrowsAsync<StorageException>(async () =>
            await store.OpenAsync(Peer, Group)
        );
        Assert.Equal(StorageFault.Missing, error.Fault);
        Assert.Contains("apt-get install librocksdb7.8", error.Message, StringComparison.Ordinal);
    }

    [RocksDbFact]
    public async Task AFlippedByte_InTheWriteAheadLog_IsRefused()
    {
        await WriteAsync(200);
        var wal = Directory.EnumerateFiles(Path.Combine(_root.FullName, "db"), "*.log").Single();
        var bytes = await File.ReadAllBytesAsync(wal);
        bytes[bytes.Length / 2] ^= 16;
        await File.WriteAllBytesAsync(wal, bytes);
        await using var store = new RocksDbLogStore(_root.FullName);
        var refusal = await Assert.ThrowsAsync<StorageException>(async () =>
            await store.OpenAsync(Peer, Group)
        );
        Assert.Equal(StorageFault.Corrupt, refusal.Fault);
        Assert.Contains("move it away", refusal.Message, StringComparison.Ordinal);
    }

    private async Task WriteAsync(int batches)
    {
        await using var store = new RocksDbLogStore(_root.FullName);
        await store.OpenAsync(Peer, Group);
        for (var index = 1ul; index <= (ulong)batches; index++)
        {
            await store.WriteAsync(Batch(index == 1 ? Hard(1) : null, null, Entries(index, 1, 1, 100)));
        }
    }

    private static IEnumerable<MethodInfo> Methods() =>
        typeof(Conformance)
            .GetMethods()
            .Where(static method => method.GetCustomAttribute<FactAttribute>() is not null)
            .OrderBy(static method => method.Name, StringComparer.Ordinal);

    private static List<object?[]> ArgumentsOf(MethodInfo method)
    {
        var data = method
            .GetCustomAttributes<DataAttribute>()
            .SelectMany(attribute => attribute.GetData(method))
            .ToList();
        var parameters = method.GetParameters();
        return parameters.Length == 0
            ?
            [
                [],
            ]
            : [.. data.Select(Converted)];

        // Literals of inline data are ints; a call by reflection converts none of them.
        object?[] Converted(object?[] arguments) =>
            [
                .. arguments.Select(
                    (argument, place) =>
                        argument is int number && parameters[place].ParameterType != typeof(int)
                            ? (ulong)number
                            : argument
                ),
            ];
    }

    private sealed class Conformance : DurableLogStorageConformance
    {
        protected override StorePlace CreatePlace() =>
            new DirectoryPlace(static directory => new RocksDbLogStore(directory));
    }
}
