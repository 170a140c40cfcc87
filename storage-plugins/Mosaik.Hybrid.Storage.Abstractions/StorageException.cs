namespace Mosaik.Hybrid.Storage;

/// <summary>What is wrong with a store.</summary>
public enum StorageFault
{
    /// <summary>The device failed a read, a write or a flush, or the store can't be reached.</summary>
    Io = 0,

    /// <summary>Stored bytes fail their checksum or make no sense, and no crash explains it.</summary>
    Corrupt = 1,

    /// <summary>No space is left.</summary>
    Full = 2,

    /// <summary>Another process or instance has the store open.</summary>
    Locked = 3,

    /// <summary>The store belongs to another peer or another group.</summary>
    Foreign = 4,

    /// <summary>Something that was acknowledged as durable is not there: the member must not go on as itself.</summary>
    Lost = 5,

    /// <summary>A newer version of the library wrote the store.</summary>
    Unsupported = 6,

    /// <summary>Something that the store needs is not installed, or there is no store where one was looked for.</summary>
    Missing = 7,
}

/// <summary>A store can't do what it promises. The group stops acknowledging; nothing may be retried inside.</summary>
public sealed class StorageException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="fault">What is wrong.</param>
    /// <param name="message">What happened and what an operator can do.</param>
    /// <param name="path">The file or place; null when the store has none.</param>
    /// <param name="offset">Where in the file, in bytes from its start; null when unknown.</param>
    /// <param name="innerException">The cause.</param>
    public StorageException(
        StorageFault fault,
        string message,
        string? path = null,
        long? offset = null,
        Exception? innerException = null
    )
        : base(Describe(message, path, offset), innerException)
    {
        Fault = fault;
        Path = path;
        Offset = offset;
    }

    /// <summary>What is wrong.</summary>
    public StorageFault Fault { get; }

    /// <summary>The file or place; null when the store has none.</summary>
    public string? Path { get; }

    /// <summary>Where in the file, in bytes from its start; null when unknown.</summary>
    public long? Offset { get; }

    private static string Describe(string message, string? path, long? offset) =>
        (path, offset) switch
        {
            (null, _) => message,
            (_, null) => $"{message} ({path})",
            _ => FormattableString.Invariant($"{message} ({path}, offset {offset})"),
        };
}
