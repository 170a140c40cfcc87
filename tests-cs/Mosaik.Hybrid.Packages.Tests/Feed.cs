using System.Reflection;
using Xunit;

namespace Mosaik.Hybrid.Packages.Tests;

/// <summary>All packages, packed once from what was built, in a folder that is a source of packages.</summary>
public sealed class Feed : IAsyncLifetime
{
    /// <summary>The packages, each with those of this library that it stands on.</summary>
    public static IReadOnlyDictionary<string, string[]> Packages { get; } =
        new Dictionary<string, string[]>
        {
            ["Mosaik.Hybrid.Primitives"] = [],
            ["Mosaik.Hybrid.Core"] = ["Mosaik.Hybrid.Primitives"],
            ["Mosaik.Hybrid.Wire"] = ["Mosaik.Hybrid.Core", "Mosaik.Hybrid.Primitives"],
            ["Mosaik.Hybrid.Simulation"] =
            [
                "Mosaik.Hybrid.Core",
                "Mosaik.Hybrid.Primitives",
                "Mosaik.Hybrid.Wire",
            ],
            ["Mosaik.Hybrid.Storage.Abstractions"] = ["Mosaik.Hybrid.Primitives"],
            ["Mosaik.Hybrid.Storage.Memory"] = ["Mosaik.Hybrid.Storage.Abstractions"],
            ["Mosaik.Hybrid.Storage.File"] = ["Mosaik.Hybrid.Storage.Abstractions"],
            ["Mosaik.Hybrid.Storage.RocksDb"] = ["Mosaik.Hybrid.Storage.Abstractions"],
            ["Mosaik.Hybrid.Storage.TestKit"] = ["Mosaik.Hybrid.Storage.Abstractions"],
            ["Mosaik.Hybrid"] = ["Mosaik.Hybrid.Core", "Mosaik.Hybrid.Storage.Memory", "Mosaik.Hybrid.Wire"],
            ["Mosaik.Hybrid.Hosting"] =
            [
                "Mosaik.Hybrid",
                "Mosaik.Hybrid.Storage.File",
                "Mosaik.Hybrid.Storage.RocksDb",
            ],
            ["Mosaik.Hybrid.Testing"] =
            [
                "Mosaik.Hybrid",
                "Mosaik.Hybrid.Simulation",
                "Mosaik.Hybrid.Storage.Abstractions",
            ],
        };

    /// <summary>The tool, which carries everything in itself.</summary>
    public const string Tool = "Mosaik.Hybrid.Cli";

    private readonly string _home = Directory.CreateTempSubdirectory("mosaik-packages-").FullName;
    private readonly Dictionary<string, string> _environment = [];

    /// <summary>Where the packages are.</summary>
    public string Folder => Path.Combine(_home, "feed");

    /// <summary>Where whoever installs from the feed unpacks packages; empty at first.</summary>
    public string Unpacked => Path.Combine(_home, "unpacked");

    /// <summary>The version of all packages.</summary>
    public string Version { get; private set; } = "";

    /// <summary>What an installation runs with.</summary>
    public IReadOnlyDictionary<string, string> Environment => _environment;

    /// <summary>The root of the repository.</summary>
    public static string Repository { get; } = FindRepository();

    public async Task InitializeAsync()
    {
        var configuration = typeof(Feed)
            .Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!
            .Configuration;
        var solution = Path.Combine(Repository, "Mosaik.Hybrid.sln");
        await Dotnet.RunAsync(
            Repository,
            new Dictionary<string, string>(),
            ["pack", solution, "--no-build", "-c", configuration, "-o", Folder, "-v", "quiet"]
        );
        const string first = "Mosaik.Hybrid.Primitives.";
        Version = Path.GetFileNameWithoutExtension(Directory.GetFiles(Folder, first + "*.nupkg").Single())[
            first.Length..
        ];
        await PrepareInstallationsAsync();
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_home, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>An empty folder outside of the repository, from which installations find the feed.</summary>
    public string NewFolder(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_home, name)).FullName;
        // Besides the sources that the machine has.
        File.WriteAllText(
            Path.Combine(folder, "nuget.config"),
            $"""
            <configuration>
              <packageSources>
                <add key="mosaik-feed" value="{Folder}" />
              </packageSources>
            </configuration>
            """
        );
        return folder;
    }

    /// <summary>
    /// A version that is packed again is stale wherever it was unpacked before, so it is unpacked in a folder of this
    /// run. Other people's packages need not be fetched again: the machine's own folder is looked into, unless somebody
    /// has installed this library there.
    /// </summary>
    private async Task PrepareInstallationsAsync()
    {
        var answer = await Dotnet.RunAsync(
            _home,
            new Dictionary<string, string>(),
            ["nuget", "locals", "global-packages", "--list"]
        );
        var machine = answer[(answer.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        _environment["NUGET_PACKAGES"] = Unpacked;
        if (Directory.Exists(machine) && Directory.GetDirectories(machine, "mosaik.hybrid*") is [])
        {
            _environment["NUGET_FALLBACK_PACKAGES"] = machine;
        }
    }

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Mosaik.Hybrid.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("No solution file above the tests.");
    }
}

/// <summary>Tests that share the feed.</summary>
[CollectionDefinition(nameof(Feed))]
public sealed class FeedUsers : ICollectionFixture<Feed>;
