using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Hosting;

/// <summary>What a group of a node is set up with; section <c>Mosaik:Groups:&lt;name&gt;</c> of the configuration.</summary>
/// <remarks>Named options, by the group's name. Read once, when the host starts.</remarks>
public sealed class MosaikGroupOptions
{
    /// <summary>The group's key, as <see cref="GroupKey.Export"/> and <c>mosaik keygen</c> write it.</summary>
    /// <value>None; this, <see cref="KeyFile"/> or a key from code must be given. A secret: not for a file under version control.</value>
    public string? Key { get; set; }

    /// <summary>A file that holds the group's key, and nothing else.</summary>
    /// <value>None.</value>
    public string? KeyFile { get; set; }

    /// <summary>Whether the start of the host waits until this node is online in the group.</summary>
    /// <value>
    /// False: the host starts at once. When true, the host's own <c>StartupTimeout</c> bounds the wait; by default
    /// nothing does.
    /// </value>
    public bool WaitUntilOnline { get; set; }

    /// <summary>The parameters that all members share, and how willing this node is to lead.</summary>
    public MosaikConsensusOptions Consensus { get; } = new();

    /// <summary>Where the log is kept.</summary>
    public MosaikStorageOptions Storage { get; } = new();

    /// <summary>Which tickets peers must show.</summary>
    public MosaikTicketOptions Tickets { get; } = new();

    /// <summary>What the configuration says that can't be understood.</summary>
    internal IList<string> Faults { get; } = [];
}

/// <summary>Kinds of stores that settings can name; others are given by code.</summary>
public enum MosaikStorageKind
{
    /// <summary>In memory: whoever restarts is a new member.</summary>
    Memory = 0,

    /// <summary>In files of a directory: <see cref="FileLogStore"/>.</summary>
    File = 1,

    /// <summary>In RocksDB, by the library of the platform: <see cref="RocksDbLogStore"/>.</summary>
    RocksDb = 2,
}

/// <summary>Where a group keeps its log.</summary>
public sealed class MosaikStorageOptions
{
    /// <summary>Which store.</summary>
    /// <value><see cref="MosaikStorageKind.Memory"/>.</value>
    public MosaikStorageKind Kind { get; set; } = MosaikStorageKind.Memory;

    /// <summary>The directory of this node's log of this group; made when it is not there.</summary>
    /// <value>None; must be given for the stores on disk.</value>
    public string? Directory { get; set; }

    /// <summary>What survives when a write has completed; for <see cref="MosaikStorageKind.File"/>.</summary>
    /// <value><see cref="Storage.Durability.Fsync"/>.</value>
    public Durability Durability { get; set; } = Durability.Fsync;

    /// <summary>How long a segment file is, in bytes; for <see cref="MosaikStorageKind.File"/>.</summary>
    /// <value>16 MiB. 64 KiB to 1 GiB.</value>
    public int SegmentBytes { get; set; } = 16 * 1024 * 1024;
}

/// <summary>Which tickets, signed JSON Web Tokens, the peers of a group must show. See <see cref="Mosaik.Hybrid.Tickets.Jwt"/>.</summary>
/// <remarks>All members say the same, except for where the key files are. Nothing is asked for while there is no key file.</remarks>
public sealed class MosaikTicketOptions
{
    /// <summary>Files with the keys that sign tickets: public keys in PEM or as JSON Web Keys, or secrets as JSON Web Keys.</summary>
    /// <value>None. At most 16.</value>
    public IList<string> KeyFiles { get; } = [];

    /// <summary>Allowed issuers; a ticket names one of them.</summary>
    /// <value>None: any. 1 to 1,024 characters each.</value>
    public IList<string> Issuers { get; } = [];

    /// <summary>Allowed audiences; a ticket names one of them.</summary>
    /// <value>None: any. 1 to 1,024 characters each.</value>
    public IList<string> Audiences { get; } = [];

    /// <summary>The subject that every ticket names.</summary>
    /// <value>None: the id of the peer that shows it, which is safer. 1 to 1,024 characters.</value>
    public string? Subject { get; set; }

    /// <summary>The longest time from issue to expiry.</summary>
    /// <value>None: any. More than zero.</value>
    public TimeSpan? MaxLifetime { get; set; }

    /// <summary>How far clocks may differ.</summary>
    /// <value>Zero. At most 10 minutes.</value>
    public TimeSpan ClockSkew { get; set; }
}
