using System.Buffers;
using Mosaik.Hybrid.Cli.Demo;
using Mosaik.Hybrid.Cli.Kv;
using Xunit;

namespace Mosaik.Hybrid.Tests.Cli;

public sealed class KvTests
{
    private static readonly KvCodec s_codec = new();

    private static byte[] Encode(KvCommand command)
    {
        var buffer = new ArrayBufferWriter<byte>();
        s_codec.Encode(command, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    private static KvDigest DigestOf(params KvCommand[] commands)
    {
        var machine = new KvMachine();
        foreach (var command in commands)
        {
            machine.Apply(command);
        }

        return machine.Digest();
    }

    [Theory]
    [InlineData("k", "v")]
    [InlineData("", "")]
    [InlineData("Schlüssel", "два слова \U0001F600")]
    public void What_is_encoded_is_decoded(string key, string value)
    {
        Assert.Equal(KvCommand.Put(key, value), s_codec.Decode(Encode(KvCommand.Put(key, value))));
        Assert.Equal(KvCommand.Delete(key), s_codec.Decode(Encode(KvCommand.Delete(key))));
    }

    [Fact]
    public async Task A_saved_map_is_restored_as_it_was_captured()
    {
        var machine = new KvMachine();
        for (var number = 0; number < 5_000; number++)
        {
            machine.Apply(KvCommand.Put($"key {number % 3_000}", $"value {number}"));
        }

        machine.Apply(KvCommand.Delete("key 7"));
        using var captured = machine.CaptureSnapshot();
        var before = machine.Digest();
        machine.Apply(KvCommand.Put("later", "not in it"));
        using var bytes = new MemoryStream();
        await captured.WriteAsync(bytes, CancellationToken.None);

        var restored = new KvMachine();
        bytes.Position = 0;
        await restored.RestoreSnapshotAsync(bytes, CancellationToken.None);
        Assert.Equal(before, restored.Digest());

        using var cut = new MemoryStream(bytes.ToArray()[..^1]);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
            await new KvMachine().RestoreSnapshotAsync(cut, CancellationToken.None)
        );
    }

    [Fact]
    public void The_format_is_pinned() =>
        Assert.Equal("01020000006162" + "63", Convert.ToHexStringLower(Encode(KvCommand.Put("ab", "c"))));

    [Theory]
    [InlineData("")]
    [InlineData("01000000")]
    [InlineData("0300000000")]
    [InlineData("01ffffffff")]
    [InlineData("010200000061")]
    [InlineData("0101000000ff")]
    public void Bytes_that_are_no_command_are_refused(string hex)
    {
        var error = Record.Exception(() => s_codec.Decode(Convert.FromHexString(hex)));
        Assert.True(error is FormatException or ArgumentException, $"got {error}");
    }

    [Fact]
    public void Text_that_is_no_unicode_is_refused_before_it_is_sent() =>
        Assert.ThrowsAny<ArgumentException>(() => Encode(KvCommand.Put("k", "\ud800")));

    [Fact]
    public void A_digest_does_not_depend_on_the_order_of_unrelated_commands() =>
        Assert.Equal(
            DigestOf(KvCommand.Put("a", "1"), KvCommand.Put("b", "2")),
            DigestOf(KvCommand.Put("b", "2"), KvCommand.Put("a", "1"))
        );

    [Fact]
    public void A_command_applied_twice_shows_though_the_map_is_the_same()
    {
        var once = DigestOf(KvCommand.Put("a", "1"));
        var twice = DigestOf(KvCommand.Put("a", "1"), KvCommand.Put("a", "1"));
        Assert.NotEqual(once.Hash, twice.Hash);
        Assert.Equal((1, 2, 1), (twice.Keys, twice.Puts, twice.Repeats));
        Assert.NotEqual(DigestOf().Hash, DigestOf(KvCommand.Delete("a")).Hash);
    }

    [Fact]
    public void Texts_that_run_together_differ() =>
        Assert.NotEqual(DigestOf(KvCommand.Put("ab", "c")).Hash, DigestOf(KvCommand.Put("a", "bc")).Hash);

    [Fact]
    public void Queries_answer_from_the_map()
    {
        var machine = new KvMachine();
        machine.Apply(KvCommand.Put("a", "1"));
        Assert.Equal("1", machine.Query(new KvQuery("a")).Value);
        machine.Apply(KvCommand.Delete("a"));
        Assert.Null(machine.Query(new KvQuery("a")).Value);
        Assert.Equal(machine.Digest(), machine.Query(KvQuery.Digest).Digest);
    }

    [Fact]
    public void The_demo_notices_what_is_lost_and_what_is_doubled()
    {
        var workload = new Workload(3, 1);
        var expected = workload.Expected();
        var commands = workload.Commands().ToArray();
        Assert.Empty(Result(expected, expected).Faults());
        Assert.NotEmpty(Result(expected, DigestOf(commands[..2])).Faults());
        Assert.NotEmpty(Result(expected, DigestOf([.. commands, commands[0]])).Faults());
    }

    private static DemoResult Result(KvDigest expected, KvDigest found) =>
        new()
        {
            Commands = 3,
            Acknowledged = 3,
            Elapsed = TimeSpan.FromSeconds(1),
            WithoutLeader = TimeSpan.Zero,
            WithoutAcknowledgement = TimeSpan.Zero,
            CatchUp = TimeSpan.Zero,
            Leaders = [],
            Expected = expected,
            Nodes = [new("node 1", 1, "leader", 4, expected), new("node 2", 2, "follower", 4, found)],
        };
}
