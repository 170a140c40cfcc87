using Mosaik.Hybrid.Cli;
using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Cli.Demo;
using Mosaik.Hybrid.Cli.Node;
using Xunit;

namespace Mosaik.Hybrid.Tests.Cli;

public sealed class ArgumentParserTests
{
    private static ParsedArguments Parse(params string[] arguments) =>
        ArgumentParser.Parse(NodeOptions.Spec, arguments);

    [Fact]
    public void Values_follow_as_a_word_or_an_equals_sign()
    {
        var options = NodeOptions.From(
            Parse(
                "--network",
                "lab",
                "--key-file=a=b",
                "--peer",
                "h:1",
                "--peer=h:2",
                "--stay",
                "--founding",
                "3"
            )
        );
        Assert.Equal("lab", options.Network);
        Assert.Equal("a=b", options.KeyFile);
        Assert.Equal(["h:1", "h:2"], options.Peers.Select(peer => peer.ToString()));
        Assert.True(options.Stay);
        Assert.Equal(3, options.ToConsensus().FoundingMembers);
    }

    [Fact]
    public void A_founding_larger_than_the_default_committee_enlarges_it()
    {
        var options = NodeOptions.From(Parse("--network=lab", "--key-file=k", "--founding=7"));
        Assert.Equal(7, options.ToConsensus().MaxVoters);
    }

    [Theory]
    [InlineData("Did you mean '--network'", "--netwrk", "x")]
    [InlineData("needs a value", "--network")]
    [InlineData("needs a value", "--network", "--stay")]
    [InlineData("takes no value", "--stay=yes")]
    [InlineData("given twice", "--network", "a", "--network", "b")]
    [InlineData("not an option", "lab")]
    [InlineData("--key-file is missing", "--network", "a")]
    [InlineData("whole number from 1 to 31", "--network", "a", "--key-file", "k", "--founding", "0")]
    [InlineData("host:port", "--network", "a", "--key-file", "k", "--peer", "nowhere")]
    [InlineData("needs a place", "--network", "a", "--key-file", "k", "--storage", "file")]
    [InlineData("choose file or", "--network", "a", "--key-file", "k", "--storage", "paper")]
    [InlineData("choose text or json-lines", "--network", "a", "--key-file", "k", "--output", "xml")]
    public void What_makes_no_sense_is_explained(string expected, params string[] arguments)
    {
        var error = Assert.Throws<UsageException>(() => NodeOptions.From(Parse(arguments)));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("--help", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_with_a_directory_keeps_log_and_identity_there()
    {
        var options = NodeOptions.From(Parse("--network=lab", "--key-file=k", "--data=d"));
        Assert.Equal(NodeStorage.File, options.Storage);
        Assert.Equal(Path.Combine("d", "identity.pem"), options.IdentityFile);
        Assert.Equal(NodeStorage.Memory, NodeOptions.From(Parse("--network=lab", "--key-file=k")).Storage);
    }

    [Fact]
    public void Help_wins_over_what_is_missing() =>
        Assert.True(Parse("--network", "a", "--help").IsHelpWanted);

    [Fact]
    public void The_demo_has_defaults()
    {
        var options = DemoOptions.From(ArgumentParser.Parse(DemoOptions.Spec, []));
        Assert.Equal(new DemoOptions(20_000, 1, NodeStorage.File, Keep: false, Verbose: false), options);
    }
}
