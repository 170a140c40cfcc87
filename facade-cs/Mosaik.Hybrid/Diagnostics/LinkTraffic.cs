namespace Mosaik.Hybrid.Diagnostics;

/// <summary>Counts links and the bytes that they carry. Any thread; a few nanoseconds for each read or write of a link.</summary>
internal sealed class LinkTraffic
{
    private long _dialled;
    private long _accepted;
    private long _sent;
    private long _received;

    /// <summary>Links that this node dialled.</summary>
    public long Dialled => Interlocked.Read(ref _dialled);

    /// <summary>Links that this node accepted.</summary>
    public long Accepted => Interlocked.Read(ref _accepted);

    /// <summary>Bytes sent, with the heads of frames, before encryption.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes received, with the heads of frames, after decryption.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>A link was opened.</summary>
    public void CountLink(bool isDialler) =>
        Interlocked.Increment(ref isDialler ? ref _dialled : ref _accepted);

    /// <summary>Bytes were sent.</summary>
    public void CountSent(int bytes) => Interlocked.Add(ref _sent, bytes);

    /// <summary>Bytes were received.</summary>
    public void CountReceived(int bytes) => Interlocked.Add(ref _received, bytes);
}
