using System.Text;
using Xunit;

namespace Mosaik.Hybrid.Tests.Builder;

public sealed class GroupKeyTests
{
    private static readonly GroupKey s_counting = GroupKey.Parse(GroupIdVector.KeyText);

    [Fact]
    public void Generate_MakesDifferentKeys() => Assert.NotEqual(GroupKey.Generate(), GroupKey.Generate());

    [Fact]
    public void Parse_ReadsWhatExportWrote()
    {
        var key = GroupKey.Generate();
        Assert.Equal(key, GroupKey.Parse($" {key.Export()}\n"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("mosaik-key-1-")]
    [InlineData("mosaik-key-2-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9jDc0p")]
    [InlineData("mosaik-key-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9jDc0")]
    [InlineData("mosaik-key-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9jDc0pAA")]
    [InlineData("mosaik-key-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9jDc0!")]
    [InlineData("mosaik-key-1-ABECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9jDc0p")]
    public void TryParse_RefusesAnythingElse(string? text) => Assert.False(GroupKey.TryParse(text, out _));

    [Fact]
    public void Parse_DoesNotRepeatTheTextInItsError()
    {
        var error = Assert.Throws<FormatException>(() => GroupKey.Parse("mosaik-key-1-nearlyASecret"));
        Assert.DoesNotContain("nearlyASecret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_ShowsNothing() => Assert.Equal("GroupKey(redacted)", s_counting.ToString());

    [Fact]
    public void FromSecret_IsTheDocumentedHash()
    {
        Assert.Equal(GroupIdVector.SecretKeyText, GroupKey.FromSecret("open sesame").Export());
        Assert.Equal(GroupKey.FromSecret("open sesame"), GroupKey.FromSecret("open sesame"u8));
    }

    [Fact]
    public void FromSecret_RefusesAnEmptyOne()
    {
        Assert.Throws<ArgumentException>(() => GroupKey.FromSecret(""));
        Assert.Throws<ArgumentException>(() => GroupKey.FromSecret(ReadOnlySpan<byte>.Empty));
    }

    [Fact]
    public void From_TakesTheValidatorsSignature() =>
        Assert.Equal(GroupIdVector.ValidatorKeyText, GroupKey.From(new SignedValidator([1, 2, 3])).Export());

    [Fact]
    public void Equals_ComparesTheSecrets()
    {
        var same = GroupKey.Parse(GroupIdVector.KeyText);
        Assert.True(s_counting.Equals(same));
        Assert.Equal(s_counting.GetHashCode(), same.GetHashCode());
        Assert.False(s_counting.Equals(GroupKey.Generate()));
        Assert.False(s_counting.Equals(null));
    }

    [Fact]
    public void Prove_IsTheDocumentedHmac() =>
        Assert.Equal(GroupIdVector.Proof, s_counting.Prove("transcript"u8).ToString());

    [Fact]
    public void Verify_TakesOnlyTheProofOfThisKeyAndTranscript()
    {
        var transcript = Encoding.UTF8.GetBytes("both hellos");
        var proof = s_counting.Prove(transcript);
        Assert.True(s_counting.Verify(transcript, proof));
        Assert.False(s_counting.Verify("another"u8, proof));
        Assert.False(GroupKey.Generate().Verify(transcript, proof));
        Assert.False(s_counting.Verify(transcript, Bytes32.Zero));
    }
}
