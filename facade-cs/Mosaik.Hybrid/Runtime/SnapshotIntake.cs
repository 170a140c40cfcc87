using System.Threading.Channels;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Keeps the bytes of a snapshot that a leader sends, in the order in which they come.</summary>
/// <remarks>
/// Bytes that do not follow on are dropped, and how many are here is told: the leader sends the rest. It also sends again
/// what a slow disk has not answered, so what does not fit into the queue is dropped too. What has come survives a broken
/// link, and in a durable store a restart.
/// </remarks>
internal sealed class SnapshotIntake(
    ISnapshotStorage storage,
    Action<object> post,
    Action<Exception> onFailed,
    CancellationToken cancellationToken
)
{
    /// <summary>More than a leader has on its way at once.</summary>
    private const int WaitingMax = 8;

    private readonly Channel<(SnapshotFacts Facts, SnapshotChunk Chunk)> _chunks = Channel.CreateBounded<(
        SnapshotFacts,
        SnapshotChunk
    )>(
        new BoundedChannelOptions(WaitingMax)
        {
            SingleReader = true,
            FullMode = BoundedChannelFullMode.DropWrite,
        }
    );
    private SnapshotReceiver? _receiver;
    private SnapshotInfo? _info;
    private LogPosition _told = LogPosition.Zero;

    /// <summary>Bytes, or none of them with an offer. Called by the group loop.</summary>
    public void Keep(SnapshotFacts facts, SnapshotChunk chunk)
    {
        // What waits will be answered, and the next heartbeat offers again: offers must not take the bytes' room.
        if (!chunk.Data.IsEmpty || _chunks.Reader.Count == 0)
        {
            _chunks.Writer.TryWrite((facts, chunk));
        }
    }

    /// <summary>Ends after the chunk that is being kept. Any thread.</summary>
    public void End() => _chunks.Writer.TryComplete();

    /// <summary>Works until ended; never throws.</summary>
    public async Task RunAsync()
    {
        var chunks = _chunks.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false);
        await foreach (var (facts, chunk) in chunks)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                continue;
            }

            try
            {
                await KeepAsync(facts, chunk).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // Nothing is told, so the leader tries again at its own pace; the log is as it was.
                await ForgetAsync().ConfigureAwait(false);
                if (!cancellationToken.IsCancellationRequested)
                {
                    onFailed(exception);
                }
            }
        }

        await ForgetAsync().ConfigureAwait(false);
    }

    private async Task KeepAsync(SnapshotFacts facts, SnapshotChunk chunk)
    {
        var info = SnapshotContent.ToInfo(facts);
        if (storage.Newest is { } newest && newest.Position.Index >= info.Position.Index)
        {
            // It is here already. If reading it back failed the core was not told; else it is about to answer by itself.
            if (newest.Position != _told)
            {
                await TellAsync().ConfigureAwait(false);
            }

            return;
        }

        if (_receiver is null || !info.Equals(_info))
        {
            await ForgetAsync().ConfigureAwait(false);
            _receiver = await storage.ReceiveAsync(info, cancellationToken).ConfigureAwait(false);
            _info = info;
        }

        if (chunk.Offset == _receiver.Offset && !chunk.Data.IsEmpty)
        {
            await _receiver.AppendAsync(chunk.Data, cancellationToken).ConfigureAwait(false);
        }

        if (_receiver.Offset < info.Length)
        {
            post(GroupInput.NewSnapshotGrew(info.Position, _receiver.Offset));
        }
        else
        {
            await CommitAsync(facts, _receiver).ConfigureAwait(false);
        }
    }

    private async Task CommitAsync(SnapshotFacts facts, SnapshotReceiver receiver)
    {
        try
        {
            await receiver.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.Corrupt)
        {
            // Not what was announced: the store has dropped it, and it is sent once more.
            onFailed(exception);
            await ForgetAsync().ConfigureAwait(false);
            post(GroupInput.NewSnapshotGrew(facts.Position, 0));
            return;
        }

        await ForgetAsync().ConfigureAwait(false);
        await TellAsync().ConfigureAwait(false);
    }

    /// <summary>The newest snapshot is whole and durable; its head says what the core wants to know besides.</summary>
    private async Task TellAsync()
    {
        var stored =
            await storage.OpenAsync(cancellationToken).ConfigureAwait(false)
            ?? throw new StorageException(StorageFault.Lost, "The snapshot that was just kept is gone.");
        await using (stored.ConfigureAwait(false))
        {
            var head = await SnapshotContent
                .ReadHeadAsync(stored.Content, cancellationToken)
                .ConfigureAwait(false);
            post(
                GroupInput.NewSnapshotReceived(
                    SnapshotContent.ToFacts(stored.Info),
                    head.Timestamp,
                    head.Records.Length > 0
                )
            );
            _told = stored.Info.Position;
        }
    }

    /// <summary>Closes what is open; never throws, for a store that can't even do that must not end the intake.</summary>
    private async Task ForgetAsync()
    {
        if (_receiver is { } receiver)
        {
            _receiver = null;
            _info = null;
            try
            {
                await receiver.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                onFailed(exception);
            }
        }
    }
}
