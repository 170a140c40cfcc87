using System.Text.RegularExpressions;
using Xunit;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>Habits that a reader relies on, checked by reading the source files.</summary>
public sealed partial class Tidy
{
    private const int LineLengthMax = 120;

    /// <summary>Comments and texts for people may be wider: breaking a sentence of a message helps nobody.</summary>
    private const int ProseLengthMax = 150;
    private const int FileLengthMax = 500;

    /// <summary>The folders of the facade that drive the core's machines.</summary>
    private static readonly string[] s_drivers =
    [
        "facade-cs/Mosaik.Hybrid/Runtime/",
        "facade-cs/Mosaik.Hybrid/Discovery/",
    ];

    /// <summary>The other files of the facade that may name the core, and why.</summary>
    private static readonly string[] s_mayNameTheCore =
    [
        "facade-cs/Mosaik.Hybrid/ConsensusConfig.cs", // converts to the core's
        "facade-cs/Mosaik.Hybrid/ConsensusConfigBuilder.cs", // has the core validate
        "facade-cs/Mosaik.Hybrid/GroupMembers.cs", // converts from the core's
        "facade-cs/Mosaik.Hybrid/Groups.cs", // reads a link's first words, to find its group
    ];

    /// <summary>Words that a pure core has no use for, even in a comment that promises otherwise.</summary>
    private static readonly string[] s_bannedInCore =
    [
        "DateTime",
        "Task",
        "Async",
        "Thread",
        "Stopwatch",
        "Environment",
        "Console",
        "printfn",
        "Random",
        "failwith",
        "lock",
    ];

    [Fact]
    public void LinesFitTheScreen()
    {
        var tooLong =
            from path in Repository.Files(".cs", ".fs", ".fsx")
            from line in File.ReadLines(path).Select((text, place) => (Text: text, Number: place + 1))
            where line.Text.Length > (IsProse(line.Text) ? ProseLengthMax : LineLengthMax)
            select $"{Repository.Relative(path)}:{line.Number} has {line.Text.Length} characters";
        AssertNone(tooLong);
    }

    [Fact]
    public void FilesHoldOneIdea()
    {
        var tooLong =
            from path in Repository.Files(".cs", ".fs", ".fsx")
            let lines = File.ReadLines(path).Count()
            where lines > FileLengthMax
            select $"{Repository.Relative(path)} has {lines} lines";
        AssertNone(tooLong);
    }

    [Fact]
    public void NothingIsLeftForLater()
    {
        string[] marks = ["TO" + "DO", "FIX" + "ME", "HA" + "CK:", "X" + "XX"];
        var left =
            from path in Repository.Files(".cs", ".fs", ".fsx", ".md", ".csproj", ".fsproj", ".props")
            from mark in marks
            where File.ReadAllText(path).Contains(mark, StringComparison.Ordinal)
            select $"{Repository.Relative(path)} says {mark}";
        AssertNone(left);
    }

    [Fact]
    public void OnlyItsDriversNameTheCore()
    {
        var others =
            from path in Repository.Files(".cs").Select(Repository.Relative)
            where path.StartsWith("facade-cs/Mosaik.Hybrid/", StringComparison.Ordinal)
            where !s_drivers.Any(folder => path.StartsWith(folder, StringComparison.Ordinal))
            where CoreName().IsMatch(File.ReadAllText(Repository.PathOf(path)))
            select path;
        AssertNone(others.Except(s_mayNameTheCore));
    }

    [Fact]
    public void TheCoreSpeaksOfNothingImpure()
    {
        var impure =
            from path in Repository.Files(".fs")
            where Repository.Relative(path).StartsWith("core-fs/", StringComparison.Ordinal)
            from line in File.ReadLines(path).Select((text, place) => (Code: CodeOf(text), Number: place + 1))
            from word in s_bannedInCore
            where Regex.IsMatch(line.Code, $@"\b{word}\b")
            select $"{Repository.Relative(path)}:{line.Number} says {word}";
        AssertNone(impure);
    }

    [Fact]
    public void LinksInDocumentsLeadSomewhere()
    {
        var broken =
            from path in Repository.Files(".md")
            from Match link in Link().Matches(File.ReadAllText(path))
            let target = link.Groups[1].Value
            where !target.Contains("://", StringComparison.Ordinal) && target[0] != '#'
            let place = Path.Combine(Path.GetDirectoryName(path)!, target.Split('#')[0])
            where !File.Exists(place) && !Directory.Exists(place)
            select $"{Repository.Relative(path)} links to {target}";
        AssertNone(broken);
    }

    [Fact]
    public void EverySourceFileOfTheCoreIsCompiled()
    {
        var dead =
            from project in Repository.Files(".fsproj")
            let folder = Path.GetDirectoryName(project)!
            let compiled = File.ReadAllText(project)
            from path in Repository.Files(".fs")
            where path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            where
                !compiled.Contains(
                    $"\"{Path.GetRelativePath(folder, path).Replace('\\', '/')}\"",
                    StringComparison.Ordinal
                )
            select Repository.Relative(path);
        AssertNone(dead);
    }

    /// <summary>Fails with every finding, not only the first few.</summary>
    private static void AssertNone(IEnumerable<string> findings)
    {
        var all = findings.Distinct().ToList();
        Assert.True(all.Count == 0, string.Join("\n", all));
    }

    private static bool IsProse(string line) =>
        line.TrimStart().StartsWith("//", StringComparison.Ordinal)
        || line.Contains('"', StringComparison.Ordinal);

    private static string CodeOf(string line) => line.Split("//")[0];

    [GeneratedRegex(@"Mosaik\.Hybrid\.(Core|Wire)\b|\bCore\.\w+")]
    private static partial Regex CoreName();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
