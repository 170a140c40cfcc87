using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>How much room there is, asked of the system at most once a second.</summary>
internal sealed class FreeSpace(StoreFiles files, TimeProvider time)
{
    private static readonly TimeSpan s_age = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private long _askedAt;
    private long? _bytes;

    /// <summary>Bytes that can still be written; null when unknown.</summary>
    public long? Bytes
    {
        get
        {
            lock (_gate)
            {
                if (_askedAt == 0 || time.GetElapsedTime(_askedAt) > s_age)
                {
                    _bytes = files.FreeBytes;
                    _askedAt = Math.Max(1, time.GetTimestamp());
                }

                return _bytes;
            }
        }
    }
}
