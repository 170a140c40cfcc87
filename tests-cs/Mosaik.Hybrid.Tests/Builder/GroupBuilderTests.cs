using Mosaik.Hybrid.Storage;
using Xunit;

namespace Mosaik.Hybrid.Tests.Builder;

public sealed class GroupBuilderTests
{
    private static readonly GroupKey s_key = GroupKey.Parse(GroupIdVector.KeyText);

    /// <summary>Ends every join by throwing what it was asked to join with.</summary>
    private sealed class Recorder : IGroupJoiner
    {
        public object? Settings { get; private set; }

        public Group<TCommand, TQuery, TResult> Join<TCommand, TQuery, TResult>(
            GroupSettings<TCommand, TQuery, TResult> settings
        )
        {
            Settings = settings;
            throw new OperationCanceledException();
        }
    }

    private sealed class Named(string signature) : IStateMachine<string, int, long>
    {
        public string Signature => signature;

        public void Apply(string command, in ApplyContext context) { }

        public long Query(int query) => query;
    }

    [Fact]
    public void Join_WithoutMachine_IsANoOpGroup()
    {
        var settings = Joined<NoOpCommand, NoOpQuery, NoOpResult>(builder => builder.Join());
        Assert.IsType<NoOpMachine>(settings.Machine);
        Assert.Null(settings.Storage);
        Assert.Equal("json/1", settings.Codec.Name);
        Assert.True(settings.Consensus.HasSameParameters(ConsensusConfig.Default));
    }

    [Fact]
    public async Task Join_HandsOverWhatWasSaidAtAnyStage()
    {
        await using var store = new InMemoryLogStore();
        var first = new SignedValidator([1]);
        var second = new SignedValidator([2]);
        var third = new SignedValidator([3]);
        var settings = Joined<string, int, long>(builder =>
            builder
                .RequireTicket(first)
                .WithStateMachine(new Named("m/1"))
                .RequireTicket(second)
                .WithConsensusConfig(ConsensusConfig.Builder().WithMaxVoters(3).Build())
                .WithLogStorage(store)
                .WithCommandCodec(
                    new JsonCommandCodec<string>(System.Text.Json.JsonSerializerOptions.Web, "web/1")
                )
                .RequireTicket(third)
                .Join()
        );
        Assert.Equal([first, second, third], settings.Validators);
        Assert.Equal(3, settings.Consensus.MaxVoters);
        Assert.Same(store, settings.Storage);
        Assert.Equal("web/1", settings.Codec.Name);
        var expected = GroupIdDerivation.Derive(
            s_key,
            settings.Consensus,
            "m/1",
            "web/1",
            [first.Signature, second.Signature, third.Signature]
        );
        Assert.Equal(expected, settings.GroupId);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1025)]
    public void Join_RefusesAnEmptyOrOverlongSignature(int length)
    {
        var text = new string('x', length);
        Assert.Throws<ArgumentException>(() =>
            new GroupBuilder(new Recorder(), s_key).WithStateMachine(new Named(text)).Join()
        );
    }

    [Fact]
    public void Builders_AreImmutable()
    {
        var recorder = new Recorder();
        var builder = new GroupBuilder(recorder, s_key);
        _ = builder.RequireTicket(new SignedValidator([1]));
        Assert.Throws<OperationCanceledException>(() => builder.Join());
        var settings = Assert.IsType<GroupSettings<NoOpCommand, NoOpQuery, NoOpResult>>(recorder.Settings);
        Assert.Empty(settings.Validators);
    }

    private static GroupSettings<TCommand, TQuery, TResult> Joined<TCommand, TQuery, TResult>(
        Action<GroupBuilder> join
    )
    {
        var recorder = new Recorder();
        Assert.Throws<OperationCanceledException>(() => join(new GroupBuilder(recorder, s_key)));
        return Assert.IsType<GroupSettings<TCommand, TQuery, TResult>>(recorder.Settings);
    }
}
