namespace Mosaik.Hybrid.Hosting;

/// <summary>Where health checks draw their lines.</summary>
public sealed class MosaikHealthOptions
{
    private TimeSpan _loopTimeout = TimeSpan.FromSeconds(5);
    private long _lagMax = 10_000;
    private long _freeBytesMin = 64 * 1024 * 1024;

    /// <summary>How long a group's loop may take for one turn; one that takes longer is not live.</summary>
    /// <value>5 seconds. 100 milliseconds to 5 minutes. A check takes no longer than this.</value>
    public TimeSpan LoopTimeout
    {
        get => _loopTimeout;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromMilliseconds(100));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromMinutes(5));
            _loopTimeout = value;
        }
    }

    /// <summary>How many entries of its log a node's state machine may still have to apply while the node is ready.</summary>
    /// <value>10,000. At least 1.</value>
    public long LagMax
    {
        get => _lagMax;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _lagMax = value;
        }
    }

    /// <summary>With less room for the log than this, a node is degraded. Stores that do not know are taken to have room.</summary>
    /// <value>64 MiB, in bytes. At least 0, which asks for none.</value>
    public long FreeBytesMin
    {
        get => _freeBytesMin;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _freeBytesMin = value;
        }
    }
}
