using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A store in memory that takes its time, and fails when told to.</summary>
internal sealed class FaultyStore : ILogStorage
{
    private readonly InMemoryLogStore _inner = new();

    /// <summary>Thrown by every operation from now on.</summary>
    public Exception? Fault { get; set; }

    /// <summary>Thrown when the store is disposed of.</summary>
    public Exception? FaultOfDispose { get; set; }

    /// <summary>True: the fault is thrown before a task is returned.</summary>
    public bool ThrowsAtOnce { get; set; }

    /// <summary>Writes do not end before this does.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public bool IsDisposed { get; private set; }

    public bool IsVolatile => true;

    public StorageHealth Health => _inner.Health;

    public ISnapshotStorage Snapshots => _inner.Snapshots;

    public ValueTask<StoredLog> OpenAsync(
        PeerId peer,
        GroupId group,
        CancellationToken cancellationToken = default
    ) => _inner.OpenAsync(peer, group, cancellationToken);

    public ValueTask WriteAsync(LogWriteBatch batch, CancellationToken cancellationToken = default) =>
        ThrowsAtOnce && Fault is { } fault ? throw fault : WriteLaterAsync(batch, cancellationToken);

    public async ValueTask<ReadOnlyMemory<LogEntry>> ReadAsync(
        LogRange range,
        int bytesMax,
        CancellationToken cancellationToken = default
    )
    {
        await Task.Yield();
        return Fault is { } fault ? throw fault : await _inner.ReadAsync(range, bytesMax, cancellationToken);
    }

    public ValueTask CompactAsync(LogPosition through, CancellationToken cancellationToken = default) =>
        _inner.CompactAsync(through, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        IsDisposed = true;
        if (FaultOfDispose is { } fault)
        {
            throw fault;
        }
    }

    private async ValueTask WriteLaterAsync(LogWriteBatch batch, CancellationToken cancellationToken)
    {
        await Task.Yield();
        await Gate;
        if (Fault is { } fault)
        {
            throw fault;
        }

        await _inner.WriteAsync(batch, cancellationToken);
    }
}
