using Mosaik.Hybrid.Storage.TestKit;
using Mosaik.Hybrid.Storage.Tests.Faults;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Authors;

/// <summary>Records: there and back, and bytes that are none.</summary>
public sealed class LogRecordTests
{
    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void ABatch_ComesBackWhole(ulong seed)
    {
        foreach (var batch in FaultyStore.Story(seed, 30))
        {
            ProposerId? proposer = null;
            Assert.True(LogRecord.TryRead(LogRecord.Write(batch), ref proposer, out var read));
            StoreModel.AssertSame(batch.HardState, read.HardState);
            Assert.Equal(batch.TruncateFrom, read.TruncateFrom);
            var entries = batch.Entries.ToArray().SelectMany(static run => run.ToArray()).ToArray();
            Assert.Equal(entries.Length, read.EntryCount);
            for (var place = 0; place < entries.Length; place++)
            {
                StoreModel.AssertSame(entries[place], read.Entries.Span[0].Span[place]);
            }
        }
    }

    [Fact]
    public void Bases_AndOwners_ComeBackWhole()
    {
        Assert.True(LogRecord.TryRead(LogRecord.Write(At(3, 9)), out var through));
        Assert.Equal(At(3, 9), through);
        Assert.True(LogRecord.TryReadOwner(LogRecord.Write(Peer, Group), out var version, out var owner));
        Assert.Equal((1u, Peer, Group), (version, owner.Peer, owner.Group));
    }

    [Fact]
    public void NoKind_IsTakenForAnother()
    {
        ProposerId? proposer = null;
        var batch = LogRecord.Write(Batch(Hard(1), null, Entries(1, 1, 1)));
        Assert.False(LogRecord.TryRead(batch, out _));
        Assert.False(LogRecord.TryReadOwner(batch, out _, out _));
        Assert.False(LogRecord.TryRead(LogRecord.Write(At(1, 1)), ref proposer, out _));
        Assert.False(LogRecord.TryRead(LogRecord.Write(Peer, Group), out _));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void CutAndDamagedBatches_AreNoneOrOthers_AndNeverThrow(ulong seed)
    {
        var dice = new Dice(seed);
        var whole = LogRecord.Write(Batch(Hard(4, Member(2)), 3, Entries(3, 4, 5, bytes: 20)));
        ProposerId? proposer = null;
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.False(LogRecord.TryRead(whole.AsMemory(0, length), ref proposer, out _));
        }

        for (var round = 0; round < 5_000; round++)
        {
            var damaged = whole.ToArray();
            damaged[dice.Below(damaged.Length)] = (byte)dice.Next();
            damaged[dice.Below(24)] = (byte)dice.Next();
            if (LogRecord.TryRead(damaged, ref proposer, out var batch))
            {
                Assert.Equal(5, batch.EntryCount);
            }
        }
    }
}
