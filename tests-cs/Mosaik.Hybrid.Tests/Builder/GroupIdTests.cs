using System.Text.RegularExpressions;
using Xunit;

namespace Mosaik.Hybrid.Tests.Builder;

public sealed class GroupIdTests
{
    private static readonly GroupKey s_key = GroupKey.Parse(GroupIdVector.KeyText);
    private static readonly ReadOnlyMemory<byte> s_validator = new byte[] { 1, 2, 3 };

    [Fact]
    public void Derive_GivesTheWorkedExample()
    {
        var id = GroupIdDerivation.Derive(
            s_key,
            ConsensusConfig.Default,
            "counter/1",
            "json/1",
            [s_validator]
        );
        Assert.Equal(GroupIdVector.GroupId, id.ToString());
    }

    [Fact]
    public void Derive_GivesTheWorkedExampleWithoutValidator()
    {
        var id = GroupIdDerivation.Derive(s_key, ConsensusConfig.Default, "counter/1", "json/1", []);
        Assert.Equal(GroupIdVector.GroupIdWithoutValidator, id.ToString());
    }

    [Fact]
    public void Preimage_IsTheOneOfTheDocument()
    {
        var document = File.ReadAllText(Path.Combine(RepositoryRoot(), "docs", "group-id.md"));
        var block = Regex.Match(document, "```text\n([0-9a-f\n]+)```").Groups[1].Value;
        var bytes = GroupIdDerivation.Preimage(
            s_key,
            ConsensusConfig.Default,
            "counter/1",
            "json/1",
            [s_validator]
        );
        Assert.Equal(block.Replace("\n", "", StringComparison.Ordinal), Convert.ToHexStringLower(bytes));
        string[] values =
        [
            GroupIdVector.KeyText,
            GroupIdVector.Proof,
            GroupIdVector.Tag,
            GroupIdVector.GroupId,
            GroupIdVector.GroupIdWithoutValidator,
            GroupIdVector.SecretKeyText,
            GroupIdVector.ValidatorKeyText,
        ];
        Assert.All(values, value => Assert.Contains(value, document, StringComparison.Ordinal));
    }

    [Fact]
    public void PublicTag_IsTheDocumentedHash() =>
        Assert.Equal(GroupIdVector.Tag, Convert.ToHexStringLower(s_key.PublicTag()));

    [Fact]
    public void Preimage_HoldsNoByteRunOfTheSecret()
    {
        var bytes = GroupIdDerivation.Preimage(s_key, ConsensusConfig.Default, "counter/1", "json/1", []);
        Assert.Equal(-1, bytes.AsSpan().IndexOf(new byte[] { 0, 1, 2, 3, 4, 5, 6, 7 }));
    }

    [Fact]
    public void Derive_DependsOnEveryPartAndOnTheOrderOfValidators()
    {
        ReadOnlyMemory<byte> other = new byte[] { 4 };
        var ordinary = ConsensusConfig.Default;
        GroupId[] ids =
        [
            GroupIdDerivation.Derive(s_key, ordinary, "m/1", "json/1", []),
            GroupIdDerivation.Derive(GroupKey.Generate(), ordinary, "m/1", "json/1", []),
            GroupIdDerivation.Derive(s_key, ordinary, "m/2", "json/1", []),
            GroupIdDerivation.Derive(s_key, ordinary, "m/1", "raw/1", []),
            GroupIdDerivation.Derive(s_key, ordinary, "m/1j", "son/1", []),
            GroupIdDerivation.Derive(s_key, ordinary, "m/1", "json/1", [s_validator]),
            GroupIdDerivation.Derive(s_key, ordinary, "m/1", "json/1", [s_validator, other]),
            GroupIdDerivation.Derive(s_key, ordinary, "m/1", "json/1", [other, s_validator]),
            .. ConsensusConfigTests.OneParameterChanged.Select(config =>
                GroupIdDerivation.Derive(s_key, config, "m/1", "json/1", [])
            ),
        ];
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void Derive_IgnoresTheLeadershipPreference()
    {
        GroupId Of(ConsensusConfig config) => GroupIdDerivation.Derive(s_key, config, "m/1", "json/1", []);

        Assert.Equal(Of(ConsensusConfig.Default), Of(ConsensusConfig.Default.DeprioritizeLeadershipBy(7)));
        Assert.Equal(Of(ConsensusConfig.Default), Of(ConsensusConfig.Default.AsObserver()));
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Mosaik.Hybrid.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("No solution file above the tests.");
    }
}
