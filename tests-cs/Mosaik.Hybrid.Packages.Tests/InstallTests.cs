using System.Text.RegularExpressions;
using Xunit;

namespace Mosaik.Hybrid.Packages.Tests;

/// <summary>Whoever has the packages and nothing else of this repository can use them.</summary>
[Collection(nameof(Feed))]
public sealed class InstallTests(Feed feed)
{
    private const string ThreeNodes = """
        using Mosaik.Hybrid;
        using Mosaik.Hybrid.Transport;

        var wire = new InProcessNetwork();
        var key = GroupKey.Generate();
        var config = ConsensusConfig
            .Builder()
            .WithHeartbeatInterval(TimeSpan.FromMilliseconds(100))
            .WithHeartbeatJitter(TimeSpan.Zero)
            .WithElectionTimeout(TimeSpan.FromSeconds(1))
            .WithBootstrapDelay(TimeSpan.Zero)
            .WithFoundingMembers(3)
            .Build();
        var networks = new List<Network>();
        for (var place = 0; place < 3; place++)
        {
            networks.Add(
                await Network
                    .Builder("installed")
                    .WithTransport(wire.CreateTransport)
                    .WithBootstrapPeers(networks.SelectMany(network => network.Addresses))
                    .StartAsync()
            );
        }

        var groups = networks
            .Select(network => network.Groups.WithKey(key).WithConsensusConfig(config))
            .Select(group => group.WithStateMachine(new Sum()).Join())
            .ToList();
        await Task.WhenAll(groups.Select(group => group.When.Online()));
        await groups[0].ExecuteAsync(40);
        await groups[1].ExecuteAsync(2);
        var answer = await groups[2].QueryAsync("sum", Consistency.Strong);
        Console.WriteLine($"three nodes say {answer.Result}");
        foreach (var network in networks)
        {
            await network.DisposeAsync();
        }

        internal sealed class Sum : IStateMachine<int, string, long>
        {
            private long _sum;
            public string Signature => "installed.sum/1";
            public void Apply(int command, in ApplyContext context) => _sum += command;
            public long Query(string query) => _sum;
        }
        """;

    /// <summary>A type of each package that is not there for another's sake.</summary>
    private const string OneOfEach = """
        using Microsoft.Extensions.DependencyInjection;
        using Mosaik.Hybrid;
        using Mosaik.Hybrid.Hosting;
        using Mosaik.Hybrid.Storage;
        using Mosaik.Hybrid.Storage.TestKit;
        using Mosaik.Hybrid.Testing;

        namespace Installed;

        public static class OneOfEach
        {
            public static MosaikBuilder Add(IServiceCollection services) =>
                services.AddMosaik().AddGroup("cron", group => group.UseLogStorage(_ => new FileLogStore("log")));

            public static Type[] Others =>
                [
                    typeof(RocksDbLogStore),
                    typeof(SimulationReport),
                    typeof(LogStorageConformance),
                    typeof(ILogStorage),
                ];
        }
        """;

    [Fact]
    public async Task ANewProgramRunsThreeNodes()
    {
        var folder = feed.NewFolder("program");
        await RunAsync(folder, "new", "console", "--no-restore", "--framework", "net10.0");
        await RunAsync(folder, "add", "package", "Mosaik.Hybrid", "--version", feed.Version);
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), ThreeNodes);
        Assert.Contains("three nodes say 42", await RunAsync(folder, "run"), StringComparison.Ordinal);
        Assert.True(Directory.Exists(Path.Combine(feed.Unpacked, "mosaik.hybrid", feed.Version)));
    }

    [Fact]
    public async Task AScriptRunsThreeNodes()
    {
        var folder = feed.NewFolder("script");
        var example = await File.ReadAllTextAsync(
            Path.Combine(Feed.Repository, "examples", "01-hello-group.fsx")
        );
        var references = new Regex("^#r .*\n|^#I .*\n", RegexOptions.Multiline);
        Assert.Matches(references, example);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "hello.fsx"),
            $"#r \"nuget: Mosaik.Hybrid, {feed.Version}\"\n" + references.Replace(example, "")
        );
        var output = await RunAsync(folder, "fsi", "--clearResultsCache", "hello.fsx");
        Assert.Contains("the third node answers 42", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryLibraryCanBeReferenced()
    {
        var folder = feed.NewFolder("everything");
        var references = Feed.Packages.Keys.Select(id =>
            $"<PackageReference Include=\"{id}\" Version=\"{feed.Version}\" />"
        );
        await File.WriteAllTextAsync(
            Path.Combine(folder, "Everything.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>{string.Join("", references)}</ItemGroup>
            </Project>
            """
        );
        await File.WriteAllTextAsync(Path.Combine(folder, "OneOfEach.cs"), OneOfEach);
        await RunAsync(folder, "build");
        Assert.All(
            Feed.Packages.Keys,
            id =>
                Assert.True(
                    Directory.Exists(Path.Combine(feed.Unpacked, id.ToLowerInvariant(), feed.Version)),
                    $"{id} was not installed from the feed."
                )
        );
    }

    [Fact]
    public async Task TheToolRuns()
    {
        var folder = feed.NewFolder("tool");
        await RunAsync(
            folder,
            "tool",
            "install",
            Feed.Tool,
            "--version",
            feed.Version,
            "--tool-path",
            folder
        );
        var tool = Path.Combine(folder, OperatingSystem.IsWindows() ? "mosaik.exe" : "mosaik");
        var output = await Dotnet.RunAsync(tool, folder, feed.Environment, ["keygen"]);
        Assert.Contains("mosaik-key-1-", output, StringComparison.Ordinal);
    }

    private Task<string> RunAsync(string folder, params string[] arguments) =>
        Dotnet.RunAsync(folder, feed.Environment, arguments);
}
