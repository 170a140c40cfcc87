using System.Text;
using Mosaik.Hybrid.Cli.Node;
using Xunit;

namespace Mosaik.Hybrid.Tests.Cli;

public sealed class InputTests
{
    [Fact]
    public void The_value_of_a_put_is_the_rest_of_the_line() =>
        Assert.Equal(new InputLine(Verb.Put, "k", "two  words"), InputLine.Parse("  put k   two  words "));

    [Theory]
    [InlineData("put k")]
    [InlineData("put")]
    [InlineData("get")]
    [InlineData("get a b")]
    [InlineData("status now")]
    [InlineData("wait -1")]
    [InlineData("wait 99999999999999999999999")]
    [InlineData("PUT k v")]
    [InlineData("\0\u0001")]
    public void Malformed_lines_are_refused_with_a_sentence(string line) =>
        Assert.NotEmpty(Assert.Throws<FormatException>(() => InputLine.Parse(line)).Message);

    [Fact]
    public void Blank_lines_and_comments_say_nothing()
    {
        Assert.True(InputLine.IsBlank(" \t"));
        Assert.True(InputLine.IsBlank(" # put a b"));
        Assert.False(InputLine.IsBlank("put a #b"));
    }

    [Fact]
    public async Task Lines_end_with_a_newline_or_the_input()
    {
        using var reader = new LineReader(new MemoryStream("one\r\n\ntwo"u8.ToArray()), 100);
        Assert.Equal("one", await reader.ReadAsync(default));
        Assert.Equal("", await reader.ReadAsync(default));
        Assert.Equal("two", await reader.ReadAsync(default));
        Assert.Null(await reader.ReadAsync(default));
    }

    [Fact]
    public async Task A_line_that_is_too_long_is_skipped_and_the_next_is_read()
    {
        var text = new string('x', 100_000) + "\nnext\n" + new string('y', 11);
        using var reader = new LineReader(new MemoryStream(Encoding.UTF8.GetBytes(text)), 10);
        await Assert.ThrowsAsync<FormatException>(() => reader.ReadAsync(default).AsTask());
        Assert.Equal("next", await reader.ReadAsync(default));
        await Assert.ThrowsAsync<FormatException>(() => reader.ReadAsync(default).AsTask());
        Assert.Null(await reader.ReadAsync(default));
    }
}
