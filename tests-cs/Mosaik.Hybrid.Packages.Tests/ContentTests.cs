using System.Diagnostics;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace Mosaik.Hybrid.Packages.Tests;

/// <summary>Every package holds what it should, and nothing else.</summary>
[Collection(nameof(Feed))]
public sealed partial class ContentTests(Feed feed)
{
    public static TheoryData<string> Libraries() => [.. Feed.Packages.Keys];

    public static TheoryData<string> Everything() => [.. Feed.Packages.Keys, Feed.Tool];

    [Fact]
    public void ThesePackagesArePublishedAndNoOthers()
    {
        var expected = Feed
            .Packages.Keys.Append(Feed.Tool)
            .SelectMany(id => new[] { $"{id}.{feed.Version}.nupkg", $"{id}.{feed.Version}.snupkg" });
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            Directory.GetFiles(feed.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [MemberData(nameof(Everything))]
    public void APackageSaysWhatItIs(string id)
    {
        var package = Package.Of(feed, id);
        Assert.Equal(
            (id, feed.Version, "The Mosaik.Hybrid authors", "README.md"),
            (package.Value("id"), package.Value("version"), package.Value("authors"), package.Value("readme"))
        );
        Assert.Equal(
            ("expression", "MIT"),
            (package.One("license")?.Attribute("type")?.Value, package.Value("license"))
        );
        Assert.InRange(package.Value("description")!.Length, 20, 300);
        Assert.Contains("raft", package.Value("tags"), StringComparison.Ordinal);
        var readme = package.Text("README.md");
        Assert.StartsWith("# ", readme, StringComparison.Ordinal);
        Assert.Contains("Mosaik.Hybrid", readme, StringComparison.Ordinal);
        // On the page of a package a link into the repository leads nowhere.
        Assert.DoesNotMatch(RelativeLink(), readme);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void ALibraryHoldsItsAssemblyAndItsDocumentation(string id)
    {
        var package = Package.Of(feed, id);
        Assert.Equal(
            new[] { "README.md", $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml" }.Order(),
            package.Files.Order()
        );
        var documentation = XDocument.Parse(package.Text($"lib/net10.0/{id}.xml"));
        Assert.Equal(id, documentation.Root!.Element("assembly")!.Element("name")!.Value);
        Assert.NotEmpty(documentation.Descendants("member"));
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void ALibraryNeedsWhatItStandsOn(string id)
    {
        var own = Package
            .Of(feed, id)
            .All("dependency")
            .Where(static element =>
                element.Attribute("id")!.Value.StartsWith("Mosaik.", StringComparison.Ordinal)
            )
            .ToList();
        Assert.Equal(
            Feed.Packages[id].Order(),
            own.Select(static element => element.Attribute("id")!.Value).Order()
        );
        Assert.All(own, element => Assert.Equal(feed.Version, element.Attribute("version")!.Value));
    }

    /// <summary>There when a program runs; its compiler, and so its editor, sees nothing of them.</summary>
    [Theory]
    [InlineData("Mosaik.Hybrid", "Mosaik.Hybrid.Core", true)]
    [InlineData("Mosaik.Hybrid", "Mosaik.Hybrid.Wire", true)]
    [InlineData("Mosaik.Hybrid.Testing", "Mosaik.Hybrid.Simulation", true)]
    [InlineData("Mosaik.Hybrid", "Mosaik.Hybrid.Storage.Memory", false)]
    public void UsersDoNotCompileAgainstTheCore(string id, string dependency, bool isHidden)
    {
        var element = Package
            .Of(feed, id)
            .All("dependency")
            .Single(element => element.Attribute("id")!.Value == dependency);
        // Either list may be there; where neither is, everything is taken.
        var included = element.Attribute("include")?.Value.Split(',');
        var excluded = element.Attribute("exclude")?.Value.Split(',') ?? [];
        bool IsTaken(string asset) => included?.Contains(asset) != false && !excluded.Contains(asset);
        Assert.Equal(!isHidden, IsTaken("Compile"));
        Assert.True(IsTaken("Runtime"));
    }

    [Fact]
    public void NobodyNeedsWhatOnlyBuildsThis()
    {
        string[] tools = ["BannedApiAnalyzers", "Test.Sdk", "xunit.runner", "FsCheck"];
        var leaks =
            from id in Feed.Packages.Keys
            from dependency in Package.Of(feed, id).Dependencies
            where tools.Any(tool => dependency.Contains(tool, StringComparison.Ordinal))
            select $"{id} needs {dependency}";
        Assert.Empty(leaks);
    }

    [Theory]
    [MemberData(nameof(Libraries))]
    public void SymbolsBelongToTheirAssembly(string id)
    {
        var (expected, isDeterministic) = Package.Of(feed, id).Assembly($"lib/net10.0/{id}.dll");
        var symbols = Package.Symbols(feed, id);
        Assert.Equal([$"lib/net10.0/{id}.pdb"], symbols.Files);
        Assert.Equal(expected, symbols.Pdb($"lib/net10.0/{id}.pdb").Id);
        Assert.True(isDeterministic, "The same sources must give the same bytes.");
    }

    /// <summary>Paths of the machine are for who debugs on it; in what continuous integration packs there are none.</summary>
    [Theory]
    [MemberData(nameof(Libraries))]
    public void SymbolsNameTheSources(string id)
    {
        var root = Environment.GetEnvironmentVariable("CI") == "true" ? "/_/" : Feed.Repository;
        var sources = Package.Symbols(feed, id).Pdb($"lib/net10.0/{id}.pdb").Sources;
        Assert.NotEmpty(sources);
        Assert.All(sources, source => Assert.StartsWith(root, source, StringComparison.Ordinal));
    }

    /// <summary>Where the repository's home is one that source link knows, symbols lead there; elsewhere they can't.</summary>
    [Theory]
    [MemberData(nameof(Libraries))]
    public async Task SymbolsLeadToTheSources(string id)
    {
        var commit = await GitAsync("rev-parse", "HEAD");
        var repository = Package.Of(feed, id).One("repository");
        Assert.Equal(commit, repository?.Attribute("commit")?.Value);
        var home = await GitAsync("remote", "get-url", "origin");
        var link = Package.Symbols(feed, id).Pdb($"lib/net10.0/{id}.pdb").SourceLink;
        if (home is not null && KnownHome().IsMatch(home))
        {
            Assert.Contains(commit!, link, StringComparison.Ordinal);
        }
        else
        {
            Assert.Null(link);
        }
    }

    [Fact]
    public void TheToolIsCalledMosaik()
    {
        var package = Package.Of(feed, Feed.Tool);
        Assert.Equal("DotnetTool", package.All("packageType").Single().Attribute("name")!.Value);
        var settings = XDocument.Parse(package.Text("tools/net10.0/any/DotnetToolSettings.xml"));
        Assert.Equal("mosaik", settings.Descendants("Command").Single().Attribute("Name")!.Value);
        Assert.Empty(package.Dependencies);
    }

    /// <summary>What git says; null where there is no repository, or nothing of that kind in it.</summary>
    private static async Task<string?> GitAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("git", arguments)
        {
            WorkingDirectory = Feed.Repository,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var git = Process.Start(start)!;
        var output = await git.StandardOutput.ReadToEndAsync();
        await git.WaitForExitAsync();
        return git.ExitCode == 0 ? output.Trim() : null;
    }

    [GeneratedRegex(@"\]\((?!https?://|#)")]
    private static partial Regex RelativeLink();

    [GeneratedRegex(@"(github\.com|gitlab\.com|bitbucket\.org|dev\.azure\.com)[:/]")]
    private static partial Regex KnownHome();
}
