using System.Buffers;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Mosaik.Hybrid.Tests.Builder;

public sealed class CodecTests
{
    private sealed record Deposit(string Account, long Cents);

    [Fact]
    public void Json_ReadsWhatItWrote()
    {
        var codec = new JsonCommandCodec<Deposit>();
        Assert.Equal(new Deposit("ada", 5), codec.Decode(Encoded(codec, new Deposit("ada", 5))));
        Assert.Equal("json/1", codec.Name);
    }

    [Fact]
    public void Json_WritesTheOrdinaryForm() =>
        Assert.Equal(
            """{"Account":"ada","Cents":5}""",
            Encoding.UTF8.GetString(Encoded(new JsonCommandCodec<Deposit>(), new Deposit("ada", 5)).Span)
        );

    [Fact]
    public void Json_TakesOptionsAndAName()
    {
        var codec = new JsonCommandCodec<Deposit>(JsonSerializerOptions.Web, "json-web/1");
        Assert.Equal(
            """{"account":"ada","cents":5}""",
            Encoding.UTF8.GetString(Encoded(codec, new Deposit("ada", 5)).Span)
        );
        Assert.Equal("json-web/1", codec.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{} {}")]
    public void Json_RefusesBytesThatAreNoCommand(string text) =>
        Assert.Throws<JsonException>(() =>
            new JsonCommandCodec<Deposit>().Decode(Encoding.UTF8.GetBytes(text))
        );

    [Fact]
    public void Json_RefusesNull() =>
        Assert.Throws<ArgumentNullException>(() => Encoded(new JsonCommandCodec<Deposit>(), null!));

    [Fact]
    public void Raw_TakesBytesAsTheyAre()
    {
        var codec = new RawCommandCodec();
        byte[] bytes = [0, 255, 7];
        Assert.Equal(bytes, Encoded<ReadOnlyMemory<byte>>(codec, bytes).ToArray());
        Assert.True(codec.Decode(bytes).Equals(bytes.AsMemory()));
    }

    [Fact]
    public void NoOp_SurvivesTheDefaultCodec()
    {
        var codec = new JsonCommandCodec<NoOpCommand>();
        Assert.Equal(default, codec.Decode(Encoded(codec, default)));
    }

    private static ReadOnlyMemory<byte> Encoded<T>(ICommandCodec<T> codec, T value)
    {
        var output = new ArrayBufferWriter<byte>();
        codec.Encode(value, output);
        return output.WrittenMemory;
    }
}
