using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage;

/// <summary>What a store may be asked now: it is opened once, fails for good, and is disposed of.</summary>
/// <remarks>
/// For authors of stores: the order of calls that <see cref="ILogStorage"/> promises, and the exceptions that it
/// names. Safe for threads; no call blocks.
/// </remarks>
public sealed class StoreGate
{
    private const int New = 0;
    private const int Opening = 1;
    private const int Open = 2;
    private const int Disposed = 3;

    private int _phase;
    private int _isWriting;
    private StorageException? _failure;

    /// <summary>Why the store takes no more calls; null while all is well.</summary>
    public StorageException? Failure => Volatile.Read(ref _failure);

    /// <summary>True from <see cref="EndOpen"/> to <see cref="BeginDispose"/>, after a failure too.</summary>
    public bool IsOpen => Volatile.Read(ref _phase) == Open;

    /// <summary>Lets the first open through, and no other.</summary>
    /// <exception cref="InvalidOperationException">There was one before.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed of.</exception>
    public void BeginOpen()
    {
        var found = Interlocked.CompareExchange(ref _phase, Opening, New);
        ThrowIfDisposed(found);
        if (found != New)
        {
            throw new InvalidOperationException(
                "This store was opened before. Give each group on each node a store of its own."
            );
        }
    }

    /// <summary>Says that the store is open. Not called when opening failed: then it can only be disposed of.</summary>
    /// <exception cref="ObjectDisposedException">The store was disposed of meanwhile.</exception>
    public void EndOpen() => ThrowIfDisposed(Interlocked.CompareExchange(ref _phase, Open, Opening));

    /// <summary>Refuses a call that the store can't take now.</summary>
    /// <exception cref="InvalidOperationException">The store is not open.</exception>
    /// <exception cref="ObjectDisposedException">The store was disposed of.</exception>
    /// <exception cref="StorageException">The store has failed: the same exception every time.</exception>
    public void ThrowUnlessOpen()
    {
        var phase = Volatile.Read(ref _phase);
        ThrowIfDisposed(phase);
        if (phase != Open)
        {
            throw new InvalidOperationException("Open the store before anything else.");
        }

        if (Failure is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>Lets one write or compaction through; the next only after <see cref="EndWrite"/>.</summary>
    /// <exception cref="InvalidOperationException">
    /// The store is not open, or another write is on its way: the contract allows one at a time.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The store was disposed of.</exception>
    /// <exception cref="StorageException">The store has failed.</exception>
    public void BeginWrite()
    {
        ThrowUnlessOpen();
        if (Interlocked.Exchange(ref _isWriting, 1) != 0)
        {
            throw new InvalidOperationException("One write at a time: await the one on its way first.");
        }
    }

    /// <summary>Ends what <see cref="BeginWrite"/> let through, well or not.</summary>
    public void EndWrite() => Volatile.Write(ref _isWriting, 0);

    /// <summary>Closes the store to all further calls. Nobody knows what reached the disk.</summary>
    /// <param name="exception">What a write threw.</param>
    /// <param name="path">Where; null when unknown. An exception that is a store's own already says it.</param>
    /// <returns>What every call throws from now on, this one's caller first: the first failure counts.</returns>
    public StorageException Fail(Exception exception, string? path = null)
    {
        ArgumentNullException.ThrowIfNull(exception);
        var failure = exception as StorageException ?? SystemFault.Of(exception, path);
        return Interlocked.CompareExchange(ref _failure, failure, null) ?? failure;
    }

    /// <summary>Closes the store for good.</summary>
    /// <returns>True the first time.</returns>
    public bool BeginDispose() => Interlocked.Exchange(ref _phase, Disposed) != Disposed;

    private static void ThrowIfDisposed(int phase) =>
        ObjectDisposedException.ThrowIf(phase == Disposed, typeof(ILogStorage));
}
