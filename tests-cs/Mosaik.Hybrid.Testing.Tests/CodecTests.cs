using System.Buffers;

namespace Mosaik.Hybrid.Testing.Tests;

/// <summary>A codec must give back what it was given.</summary>
public sealed class CodecTests
{
    private enum Bug
    {
        None,
        LosesAField,
        ThrowsWhenReading,
        ThrowsWhenWriting,
    }

    [Fact]
    public void A_right_codec_of_ones_own_passes() =>
        Simulations.AssertHeld(Simulations.Of(() => new Ledger(), new Codec(Bug.None)).Run(seeds: 5));

    [Fact]
    public void A_codec_that_loses_a_field_is_caught()
    {
        var failure = Simulations.FailureOf(Simulations.Of(() => new Ledger(), new Codec(Bug.LosesAField)));
        Assert.Equal(SimulationRules.Codec, failure.Rule);
        Assert.Contains("tests/1", failure.Evidence, StringComparison.Ordinal);
        Assert.Contains("\"Account\":0", failure.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_codec_that_throws_when_reading_is_caught()
    {
        var failure = Simulations.FailureOf(
            Simulations.Of(() => new Ledger(), new Codec(Bug.ThrowsWhenReading))
        );
        Assert.Equal(SimulationRules.Codec, failure.Rule);
        Assert.IsType<FormatException>(failure.Exception);
    }

    [Fact]
    public void A_codec_that_throws_when_writing_is_caught()
    {
        var failure = Simulations.FailureOf(
            Simulations.Of(() => new Ledger(), new Codec(Bug.ThrowsWhenWriting))
        );
        Assert.Equal(SimulationRules.Codec, failure.Rule);
        Assert.IsType<FormatException>(failure.Exception);
    }

    [Fact]
    public void A_comparer_of_ones_own_decides_whether_a_command_came_back()
    {
        var simulation = new ClusterSimulation<Deposit, GetBalance, long>
        {
            Machine = () => new Ledger(),
            Commands = dice => new Deposit(dice.Between(1, 5), 1),
            Queries = dice => new GetBalance(dice.Between(1, 5)),
            Codec = new Codec(Bug.LosesAField),
            CommandComparer = EqualityComparer<Deposit>.Create(
                (left, right) => left?.Amount == right?.Amount,
                deposit => deposit.Amount.GetHashCode()
            ),
        };
        Simulations.AssertHeld(simulation.Run(seeds: 3));
    }

    private sealed class Codec(Bug bug) : ICommandCodec<Deposit>
    {
        public string Name => "tests/1";

        public void Encode(Deposit value, IBufferWriter<byte> output)
        {
            if (bug == Bug.ThrowsWhenWriting)
            {
                throw new FormatException("Not today.");
            }

            output.Write([(byte)value.Account, (byte)value.Amount]);
        }

        public Deposit Decode(ReadOnlyMemory<byte> bytes) =>
            bug switch
            {
                Bug.ThrowsWhenReading => throw new FormatException("Not today."),
                _ when bytes.Length != 2 => throw new FormatException("Not what this codec wrote."),
                Bug.LosesAField => new Deposit(0, bytes.Span[1]),
                _ => new Deposit(bytes.Span[0], bytes.Span[1]),
            };
    }
}
