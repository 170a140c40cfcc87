using System.Reflection;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Hosting;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Storage.TestKit;
using Mosaik.Hybrid.Testing;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>The assemblies of this library, by what may be expected of them.</summary>
internal static class Assemblies
{
    public static Assembly Primitives { get; } = typeof(PeerId).Assembly;

    public static Assembly Core { get; } = typeof(NodeConfig).Assembly;

    public static Assembly Wire { get; } = Assembly.Load("Mosaik.Hybrid.Wire");

    public static Assembly Simulation { get; } = Assembly.Load("Mosaik.Hybrid.Simulation");

    /// <summary>What users and authors of plug-ins see.</summary>
    public static IReadOnlyList<Assembly> Public { get; } =
    [
        Primitives,
        typeof(ILogStorage).Assembly,
        typeof(InMemoryLogStore).Assembly,
        typeof(GroupKey).Assembly,
        typeof(SimulationReport).Assembly,
        typeof(MosaikBuilder).Assembly,
        typeof(FileLogStore).Assembly,
        typeof(RocksDbLogStore).Assembly,
        typeof(LogStorageConformance).Assembly,
    ];

    /// <summary>What is published besides: for F# scripts and model tests, with F# types, and never on the way of C# users.</summary>
    public static IReadOnlyList<Assembly> Inner { get; } = [Core, Wire, Simulation];

    public static Assembly PublicNamed(string name) =>
        Public.Single(assembly => assembly.GetName().Name == name);

    public static Assembly PublishedNamed(string name) =>
        Public.Concat(Inner).Single(assembly => assembly.GetName().Name == name);
}
