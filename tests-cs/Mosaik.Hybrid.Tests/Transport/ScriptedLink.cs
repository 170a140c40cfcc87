using System.Threading.Channels;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Tests.Transport;

/// <summary>A link without another end: a test feeds what is read, and lets each write through by hand.</summary>
internal sealed class ScriptedLink(int readMax = int.MaxValue) : ILink
{
    private readonly Channel<byte[]> _incoming = Channel.CreateUnbounded<byte[]>();
    private readonly SemaphoreSlim _permits = new(0);
    private readonly CancellationTokenSource _aborted = new();
    private ReadOnlyMemory<byte> _rest;

    /// <summary>What was written, a write each, as soon as the write began.</summary>
    public Channel<byte[]> Writes { get; } = Channel.CreateUnbounded<byte[]>();

    /// <summary>The greatest room that a read offered.</summary>
    public int RoomMax { get; private set; }

    public bool WritesCompleted { get; private set; }

    public bool IsAborted => _aborted.IsCancellationRequested;

    public PeerId RemotePeer => default;

    public ReadOnlyMemory<byte> RemotePublicKey => default;

    public string Protocol => LinkProtocols.Groups;

    public string RemoteAddress => "script:1";

    public bool IsDialler => true;

    public void Feed(params byte[] bytes) => _incoming.Writer.TryWrite(bytes);

    public void FeedEnd() => _incoming.Writer.TryComplete();

    public void AllowWrites(int count) => _permits.Release(count);

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        RoomMax = Math.Max(RoomMax, buffer.Length);
        if (_rest.Length == 0)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(
                cancellationToken,
                _aborted.Token
            );
            try
            {
                if (!await _incoming.Reader.WaitToReadAsync(either.Token))
                {
                    return 0;
                }
            }
            catch (OperationCanceledException) when (_aborted.IsCancellationRequested)
            {
                throw new IOException("aborted");
            }

            _rest = await _incoming.Reader.ReadAsync(cancellationToken);
        }

        var count = Math.Min(Math.Min(readMax, buffer.Length), _rest.Length);
        _rest[..count].CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public async ValueTask WriteAsync(
        ReadOnlyMemory<byte> bytes,
        CancellationToken cancellationToken = default
    )
    {
        Writes.Writer.TryWrite(bytes.ToArray());
        try
        {
            await _permits.WaitAsync(_aborted.Token);
        }
        catch (OperationCanceledException)
        {
            throw new IOException("aborted");
        }
    }

    public ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
    {
        WritesCompleted = true;
        return ValueTask.CompletedTask;
    }

    public void Abort() => _aborted.Cancel();

    public ValueTask DisposeAsync()
    {
        Abort();
        return ValueTask.CompletedTask;
    }
}
