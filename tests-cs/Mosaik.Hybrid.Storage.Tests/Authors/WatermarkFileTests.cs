using Mosaik.Hybrid.Storage.Files;
using Mosaik.Hybrid.Storage.TestKit;
using Mosaik.Hybrid.Storage.Tests.Faults;
using Xunit;
using static Mosaik.Hybrid.Storage.TestKit.Sample;

namespace Mosaik.Hybrid.Storage.Tests.Authors;

/// <summary>The watermark over a disk that loses, tears and reorders what was not flushed.</summary>
public sealed class WatermarkFileTests
{
    [Fact]
    public void AfterTheDeathOfTheProcess_ItIsExact()
    {
        var disk = new FaultyDisk();
        using var file = Begun(disk);
        file.Write(Mark(1), flush: true);
        file.Write(Mark(2), flush: false);
        file.Write(Mark(3), flush: false);
        Assert.Equal(Mark(3), new WatermarkFile(disk.Killed()).Read());
    }

    [Fact]
    public void AfterAPowerLoss_ItIsNeverOlderThanTheLastFlush()
    {
        var found = new HashSet<ulong>();
        for (var seed = 1ul; seed <= 300; seed++)
        {
            var dice = new Dice(seed);
            var disk = new FaultyDisk();
            using var file = Begun(disk);
            var flushed = 0ul;
            var last = (ulong)dice.Below(12);
            for (var batch = 1ul; batch <= last; batch++)
            {
                var isFlushed = dice.OneIn(4);
                file.Write(Mark(batch), isFlushed);
                flushed = isFlushed ? batch : flushed;
            }

            var read = new WatermarkFile(disk.PowerLost(dice)).Read()!.Value;
            Assert.InRange(read.Batch, flushed, last);
            Assert.Equal(Mark(read.Batch), read);
            found.Add(last - read.Batch);
        }

        Assert.True(found.Count > 2, "The disk has lost nothing: the test tests nothing.");
    }

    [Fact]
    public void ItGoesOn_WhereItWas()
    {
        var disk = new FaultyDisk();
        using (var file = Begun(disk))
        {
            file.Write(Mark(5), flush: false);
        }

        using (var again = new WatermarkFile(disk))
        {
            Assert.Equal(Mark(5), again.Read());
            again.Begin(Mark(6));
            again.Close(Mark(7));
        }

        var bytes = disk[WatermarkFile.Name];
        Assert.Equal(Mark(7), new WatermarkFile(disk).Read());
        Assert.Equal(bytes[24..48], bytes[(4096 + 24)..(4096 + 48)]);
    }

    private static WatermarkFile Begun(FaultyDisk disk)
    {
        var file = new WatermarkFile(disk);
        Assert.Null(file.Read());
        file.Begin(default);
        return file;
    }

    private static Watermark Mark(ulong batch) =>
        new(batch, batch == 0 ? LogPosition.Zero : At(1, batch * 10));
}
