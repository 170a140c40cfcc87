namespace Mosaik.Hybrid.Storage.Files;

/// <summary>The directory of a store: the only way in which stores of this library touch a disk.</summary>
/// <remarks>
/// Synchronous, and honest about what is durable: bytes by <see cref="StoreFile.Flush"/>, names by
/// <see cref="SyncDirectory"/>. Tests put a directory in its place that loses, tears and reorders what was not made
/// durable. Every failure is a <see cref="StorageException"/> that names the file.
/// </remarks>
internal abstract class StoreFiles
{
    /// <summary>The path of a file, for messages.</summary>
    public abstract string PathOf(string name);

    /// <summary>Makes the directory, durably, if it is not there.</summary>
    public abstract void EnsureDirectory();

    /// <summary>The names of all files in it.</summary>
    public abstract IReadOnlyList<string> List();

    /// <summary>Makes an empty file for reading and writing, in place of one that has the name.</summary>
    public abstract StoreFile Create(string name);

    /// <summary>Opens a file that exists.</summary>
    public abstract StoreFile Open(string name, bool writable);

    /// <summary>Gives a file another name, in place of one that has it.</summary>
    public abstract void Rename(string from, string to);

    /// <summary>Removes a file; nothing happens when there is none.</summary>
    public abstract void Delete(string name);

    /// <summary>Makes all names as they are now durable.</summary>
    public abstract void SyncDirectory();

    /// <summary>Takes a lock that ends with the process.</summary>
    /// <exception cref="StorageException">Another process or instance holds it.</exception>
    public abstract IDisposable Lock(string name);

    /// <summary>How many bytes can still be written; null when unknown.</summary>
    public abstract long? FreeBytes { get; }
}

/// <summary>An open file of a store. Reads may run beside each other and beside one writer.</summary>
internal abstract class StoreFile : IDisposable
{
    /// <summary>The path, for messages.</summary>
    public abstract string Path { get; }

    /// <summary>How long it is, in bytes.</summary>
    public abstract long Length { get; }

    /// <summary>Fills as much of the span as there is; a short count means the end of the file, never less.</summary>
    public abstract int Read(Span<byte> destination, long offset);

    /// <summary>Writes all of the span; durable after <see cref="Flush"/> only.</summary>
    public abstract void Write(ReadOnlySpan<byte> source, long offset);

    /// <summary>Makes what was written durable. After a failure nobody knows what is.</summary>
    public abstract void Flush();

    /// <summary>Cuts the file, or makes it longer by zeros.</summary>
    public abstract void SetLength(long length);

    /// <inheritdoc/>
    public abstract void Dispose();
}
