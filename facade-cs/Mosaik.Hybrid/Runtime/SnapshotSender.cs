using System.Buffers;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Reads snapshots for the members that they are sent to: one open snapshot a link, one read at a time for each.</summary>
/// <remarks>
/// Used by the group loop only; what was read comes back to it as an item. A snapshot stays open from its offer on, also
/// when a newer one takes its place in the store. One that could not be opened is tried again at the next offer, which is a
/// heartbeat away, or is no longer offered.
/// </remarks>
internal sealed class SnapshotSender(
    ISnapshotStorage storage,
    Action<object> post,
    Action<Exception> onFailed,
    CancellationToken cancellationToken
)
{
    private readonly Dictionary<long, Transfer> _transfers = [];
    private readonly List<Task> _releasing = [];

    private sealed record Transfer(SnapshotFacts Facts)
    {
        public StoredSnapshot? Source { get; set; }

        public Task Tail { get; set; } = Task.CompletedTask;

        /// <summary>It has been opened, or tried to, and is not there.</summary>
        public bool HasFailed => Tail.IsCompleted && Source is null;

        /// <summary>The operator knows why bytes can't be read.</summary>
        public bool IsReported { get; set; }
    }

    /// <summary>A snapshot is offered on a link.</summary>
    public void Offer(long link, SnapshotFacts facts)
    {
        if (_transfers.TryGetValue(link, out var current))
        {
            if (SnapshotContent.IsSame(current.Facts, facts) && !current.HasFailed)
            {
                return;
            }

            Close(link);
        }

        var transfer = new Transfer(facts);
        transfer.Tail = OpenAsync(transfer);
        _transfers.Add(link, transfer);
    }

    /// <summary>Begins to read bytes of the snapshot that was offered on a link.</summary>
    public void Read(long link, AppendHeader header, SnapshotFacts facts, long offset, int count)
    {
        if (_transfers.TryGetValue(link, out var transfer) && SnapshotContent.IsSame(transfer.Facts, facts))
        {
            transfer.Tail = ReadAsync(transfer, transfer.Tail, link, header, offset, count);
        }
    }

    /// <summary>The link is gone, or this node no longer leads.</summary>
    public void Close(long link)
    {
        if (_transfers.Remove(link, out var transfer))
        {
            _releasing.RemoveAll(static task => task.IsCompleted);
            _releasing.Add(ReleaseAsync(transfer));
        }
    }

    /// <summary>Ends all transfers; completes, never with an error, when everything is released.</summary>
    public Task CloseAllAsync()
    {
        foreach (var link in _transfers.Keys.ToArray())
        {
            Close(link);
        }

        return Task.WhenAll(_releasing);
    }

    private async Task OpenAsync(Transfer transfer)
    {
        try
        {
            var source = await storage.OpenAsync(cancellationToken).ConfigureAwait(false);
            if (source is not null && SnapshotContent.ToInfo(transfer.Facts).Equals(source.Info))
            {
                transfer.Source = source;
            }
            else if (source is not null)
            {
                // A newer one has taken its place already; the core hears of it, and offers that.
                await source.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The group ends.
        }
        catch (Exception exception)
        {
            onFailed(exception);
        }
    }

    private async Task ReadAsync(
        Transfer transfer,
        Task before,
        long link,
        AppendHeader header,
        long offset,
        int count
    )
    {
        await before.ConfigureAwait(false);
        if (transfer.Source is not { } source)
        {
            return;
        }

        var bytes = ArrayPool<byte>.Shared.Rent(count);
        try
        {
            source.Content.Position = offset;
            await source
                .Content.ReadExactlyAsync(bytes.AsMemory(0, count), cancellationToken)
                .ConfigureAwait(false);
            post(new SnapshotBytesRead(link, header, transfer.Facts, offset, bytes, count));
        }
        catch (Exception exception)
        {
            ArrayPool<byte>.Shared.Return(bytes);
            if (exception is not OperationCanceledException && !transfer.IsReported)
            {
                // Asked for again at every heartbeat, told once.
                transfer.IsReported = true;
                onFailed(exception);
            }
        }
    }

    private async Task ReleaseAsync(Transfer transfer)
    {
        await transfer.Tail.ConfigureAwait(false);
        if (transfer.Source is not { } source)
        {
            return;
        }

        try
        {
            await source.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Nothing was lost by it, and nobody waits for it.
            onFailed(exception);
        }
    }
}

/// <summary>Bytes of a snapshot for a member; the array is rented.</summary>
internal sealed record SnapshotBytesRead(
    long Link,
    AppendHeader Header,
    SnapshotFacts Facts,
    long Offset,
    byte[] Bytes,
    int Count
)
{
    /// <summary>Gives the array back.</summary>
    public void Release() => ArrayPool<byte>.Shared.Return(Bytes);
}
