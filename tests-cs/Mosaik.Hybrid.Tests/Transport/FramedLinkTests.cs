using System.Buffers;
using System.Buffers.Binary;
using Mosaik.Hybrid.Tests.Support;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Tests.Transport;

public sealed class FramedLinkTests
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public async Task Receive_InPiecesOfAnySize_GivesTheSameFrames(int readMax)
    {
        var link = new ScriptedLink(readMax);
        await using var framed = new FramedLink(link, _time) { ReceiveLimit = FrameFormat.LengthMax };
        byte[][] bodies =
        [
            [1],
            [2, 3],
            Filled(70_000, 4),
            [5],
            Filled(200_000, 6),
            .. Many(20_000),
        ];
        link.Feed([.. bodies.SelectMany(static body => Frame(body))]);
        link.FeedEnd();

        var received = new List<ReadOnlyMemory<byte>>();
        while (await framed.ReceiveAsync().Soon("a frame") is { } body)
        {
            received.Add(body);
        }

        // Compared only now: a body must stay as it was while later ones are read.
        Assert.Equal(bodies.Length, received.Count);
        Assert.All(
            bodies.Zip(received),
            static pair => Assert.True(pair.Second.Span.SequenceEqual(pair.First))
        );
    }

    [Fact]
    public async Task Receive_WithAFrameHere_CompletesAtOnce()
    {
        var link = new ScriptedLink();
        await using var framed = new FramedLink(link, _time);
        link.Feed([.. Frame([1]), .. Frame([2])]);
        await framed.ReceiveAsync().Soon("the first frame");

        var second = framed.ReceiveAsync().AsTask();

        Assert.True(second.IsCompletedSuccessfully);
    }

    [Theory]
    [InlineData(FrameFault.TooLarge, new byte[] { 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(FrameFault.TooLarge, new byte[] { 0x01, 0x00, 0x01, 0x00, 1, 9 })]
    [InlineData(FrameFault.Empty, new byte[] { 0, 0, 0, 0 })]
    [InlineData(FrameFault.Empty, new byte[] { 1, 0, 0, 0, 1 })]
    [InlineData(FrameFault.UnknownVersion, new byte[] { 2, 0, 0, 0, 2, 9 })]
    [InlineData(FrameFault.Truncated, new byte[] { 9, 0, 0 })]
    [InlineData(FrameFault.Truncated, new byte[] { 3, 0, 0, 0, 1, 9 })]
    internal async Task Receive_OfBytesOutsideTheFormat_NamesTheFault(FrameFault fault, byte[] bytes)
    {
        var link = new ScriptedLink();
        await using var framed = new FramedLink(link, _time);
        link.Feed(bytes);
        link.FeedEnd();

        var error = await Assert.ThrowsAsync<FrameException>(() => framed.ReceiveAsync().Soon("an answer"));

        Assert.Equal(fault, error.Fault);
        Assert.InRange(link.RoomMax, 1, 64 * 1024);
    }

    [Fact]
    public async Task Receive_WithTheLimitRaised_TakesLargerFrames()
    {
        var link = new ScriptedLink();
        await using var framed = new FramedLink(link, _time) { ReceiveLimit = 100_001 };
        link.Feed(Frame(Filled(100_000, 1)));
        link.Feed(Frame(Filled(100_001, 1)));

        Assert.Equal(100_000, (await framed.ReceiveAsync().Soon("a frame"))!.Value.Length);
        await Assert.ThrowsAsync<FrameException>(() => framed.ReceiveAsync().Soon("an answer"));
    }

    [Fact]
    public async Task Send_WhileAWriteRuns_GoesOutInOneBatch_ControlFirst()
    {
        var link = new ScriptedLink();
        await using var framed = new FramedLink(link, _time);
        Assert.True(framed.TrySend(FrameLane.Bulk, [1]));
        Assert.Equal(Frame([1]), await Next(link));
        Assert.True(framed.TrySend(FrameLane.Bulk, [2]));
        Assert.True(framed.TrySend(FrameLane.Control, [3]));
        Assert.True(framed.TrySend(FrameLane.Bulk, 4, WriteOne));
        Assert.True(framed.TrySend(FrameLane.Control, 5, WriteOne));

        link.AllowWrites(1);

        byte[] batch = [.. Frame([3]), .. Frame([5]), .. Frame([2]), .. Frame([4])];
        Assert.Equal(batch, await Next(link));
    }

    [Fact]
    public async Task Send_OfControl_OvertakesBulkBetweenSlices()
    {
        var link = new ScriptedLink();
        await using var framed = new FramedLink(link, _time);
        var body = Filled(60_000, 7);
        framed.TrySend(FrameLane.Control, [1]);
        await Next(link);
        for (var count = 0; count < 20; count++)
        {
            Assert.True(framed.TrySend(FrameLane.Bulk, body));
        }

        link.AllowWrites(1);
        var slice = await Next(link);
        framed.TrySend(FrameLane.Control, [2]);
        link.AllowWrites(1);

        Assert.Equal(4 * Frame(body).Length, slice.Length);
        Assert.Equal(Frame([2]), await Next(link));
    }

    [Fact]
    public async Task Send_BeyondTheBound_IsRefused_UntilBytesHaveGone()
    {
        var link = new ScriptedLink();
        await using var framed = new FramedLink(link, _time, outboundBytesMax: 100);
        var body = new byte[45];

        Assert.True(framed.TrySend(FrameLane.Bulk, body));
        Assert.True(framed.TrySend(FrameLane.Control, body));
        Assert.False(framed.TrySend(FrameLane.Control, [1]));
        Assert.False(framed.TrySend(FrameLane.Control, 1, WriteOne));
        Assert.Equal(100, framed.OutboundBytes);

        link.AllowWrites(2);
        await Waiting.Until(() => framed.OutboundBytes == 0, "all bytes are sent");
        Assert.True(framed.TrySend(FrameLane.Control, body));
    }

    [Fact]
    public async Task Send_WhoseEncoderThrows_LeavesNothingBehind()
    {
        var link = new ScriptedLink();
        await using var framed = new FramedLink(link, _time);

        Assert.Throws<FormatException>(() => framed.TrySend(FrameLane.Control, 1, WriteAndThrow));
        Assert.Throws<InvalidOperationException>(() =>
            framed.TrySend(FrameLane.Control, 1, static (_, _) => { })
        );
        Assert.True(framed.TrySend(FrameLane.Control, [2]));

        Assert.Equal(Frame([2]), await Next(link));
    }

    [Fact]
    public async Task Close_SendsControlAndTheLastFrame_DropsBulk_AndWaitsForTheOtherEnd()
    {
        var link = new ScriptedLink();
        var framed = new FramedLink(link, _time);
        framed.TrySend(FrameLane.Control, [1]);
        await Next(link);
        framed.TrySend(FrameLane.Bulk, [2]);
        framed.TrySend(FrameLane.Control, [3]);

        var receiving = framed.ReceiveAsync();
        var closing = framed.CloseAsync(new byte[] { 4 }, Linger);
        Assert.False(framed.TrySend(FrameLane.Control, [5]));
        link.AllowWrites(2);

        byte[] last = [.. Frame([3]), .. Frame([4])];
        Assert.Equal(last, await Next(link));
        Assert.False(closing.IsCompleted);
        link.Feed(Frame([6]));
        link.FeedEnd();
        Assert.Null(await receiving.Soon("the receiver hears of the close"));
        await closing.Soon("the close");
        Assert.True(link.WritesCompleted);
        Assert.True(framed.Completion.IsCompletedSuccessfully);
        Assert.Null(framed.Failure);
    }

    [Fact]
    public async Task Close_OfALinkThatTakesNothing_EndsAfterTheLinger()
    {
        var link = new ScriptedLink();
        var framed = new FramedLink(link, _time);
        framed.TrySend(FrameLane.Control, [1]);
        await Next(link);

        var closing = framed.CloseAsync(new byte[] { 2 }, Linger).AsTask();
        var again = framed.CloseAsync(default, Linger).AsTask();
        Assert.False(closing.IsCompleted);
        _time.Advance(Linger);

        await Task.WhenAll(closing, again).Soon("both closes");
        Assert.True(link.IsAborted);
    }

    [Fact]
    public async Task Abort_FailsTheReceiver_AndCompletes()
    {
        var link = new ScriptedLink();
        var framed = new FramedLink(link, _time);
        var receiving = framed.ReceiveAsync();

        framed.Abort();
        framed.Abort();

        await Assert.ThrowsAsync<IOException>(() => receiving.Soon("the receiver hears of it"));
        await framed.Completion.Soon("completion");
        Assert.False(framed.TrySend(FrameLane.Control, [1]));
        Assert.Null(framed.Failure);
    }

    [Fact]
    public async Task AWriteThatFails_EndsTheLink_AndIsKept()
    {
        var link = new ScriptedLink();
        var framed = new FramedLink(link, _time);
        framed.TrySend(FrameLane.Control, [1]);
        await Next(link);

        link.Abort();

        await framed.Completion.Soon("completion");
        Assert.IsType<IOException>(framed.Failure);
    }

    [Fact]
    public async Task Send_FromManyThreads_KeepsFramesWholeAndEachThreadsOrder()
    {
        const int perThread = 5_000;
        using var a = NodeIdentity.Generate();
        using var b = NodeIdentity.Generate();
        await using var pair = await LinkPair.InProcessAsync(a, b);
        await using var sender = new FramedLink(pair.Dialled, TimeProvider.System);
        await using var receiver = new FramedLink(pair.Accepted, TimeProvider.System);

        var senders = Enumerable
            .Range(0, 4)
            .Select(thread => Task.Run(() => SendNumbered(sender, (byte)thread, perThread)))
            .ToArray();
        var next = new int[senders.Length];
        for (var count = 0; count < senders.Length * perThread; count++)
        {
            var body = (await receiver.ReceiveAsync().Soon("a frame"))!.Value;
            Assert.Equal(next[body.Span[0]]++, BinaryPrimitives.ReadInt32LittleEndian(body.Span[1..]));
        }

        await Task.WhenAll(senders).Soon("senders end");
    }

    private static void SendNumbered(FramedLink link, byte thread, int count)
    {
        for (var number = 0; number < count; number++)
        {
            var sent = link.TrySend(
                FrameLane.Bulk,
                (thread, number),
                static (state, writer) =>
                {
                    var span = writer.GetSpan(5);
                    span[0] = state.thread;
                    BinaryPrimitives.WriteInt32LittleEndian(span[1..], state.number);
                    writer.Advance(5);
                }
            );
            Assert.True(sent);
        }
    }

    private static void WriteOne(int value, IBufferWriter<byte> writer) => writer.Write([(byte)value]);

    private static void WriteAndThrow(int value, IBufferWriter<byte> writer)
    {
        writer.Write(new byte[10_000]);
        throw new FormatException($"{value}");
    }

    private static Task<byte[]> Next(ScriptedLink link) => link.Writes.Reader.ReadAsync().Soon("a write");

    private static IEnumerable<byte[]> Many(int count) =>
        Enumerable.Range(0, count).Select(static number => Filled(1 + (number % 40), (byte)number));

    private static byte[] Filled(int length, byte value) => [.. Enumerable.Repeat(value, length)];

    private static byte[] Frame(byte[] body)
    {
        var frame = new byte[5 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, 1 + body.Length);
        frame[4] = 1;
        body.CopyTo(frame, 5);
        return frame;
    }
}
