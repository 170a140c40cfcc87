using System.ComponentModel;
using Microsoft.Win32.SafeHandles;

namespace Mosaik.Hybrid.Storage.Files;

/// <summary>A directory of the operating system.</summary>
internal sealed class SystemFiles(string directory) : StoreFiles
{
    private readonly string _directory = System.IO.Path.GetFullPath(directory);

    /// <inheritdoc/>
    public override long? FreeBytes
    {
        get
        {
            try
            {
                return new DriveInfo(_directory).AvailableFreeSpace;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    /// <inheritdoc/>
    public override string PathOf(string name) => Path.Combine(_directory, name);

    /// <inheritdoc/>
    public override void EnsureDirectory() =>
        SystemFault.Guard(
            _directory,
            () =>
            {
                // From the top down: a directory is there for good only when its parent has been synced.
                var missing = new Stack<string>();
                for (
                    var path = _directory;
                    path is not null && !Directory.Exists(path);
                    path = Path.GetDirectoryName(path)
                )
                {
                    missing.Push(path);
                }

                foreach (var path in missing)
                {
                    Directory.CreateDirectory(path);
                    if (Path.GetDirectoryName(path) is { } parent)
                    {
                        DiskSync.Directory(parent);
                    }
                }
            }
        );

    /// <inheritdoc/>
    public override IReadOnlyList<string> List() =>
        SystemFault.Guard(
            _directory,
            () => Directory.EnumerateFiles(_directory).Select(path => Path.GetFileName(path)).ToList()
        );

    /// <inheritdoc/>
    public override StoreFile Create(string name) => OpenHandle(name, FileMode.Create, FileAccess.ReadWrite);

    /// <inheritdoc/>
    public override StoreFile Open(string name, bool writable) =>
        OpenHandle(name, FileMode.Open, writable ? FileAccess.ReadWrite : FileAccess.Read);

    /// <inheritdoc/>
    public override void Rename(string from, string to) =>
        SystemFault.Guard(PathOf(from), () => File.Move(PathOf(from), PathOf(to), overwrite: true));

    /// <inheritdoc/>
    public override void Delete(string name) =>
        SystemFault.Guard(PathOf(name), () => File.Delete(PathOf(name)));

    /// <inheritdoc/>
    public override void SyncDirectory() =>
        SystemFault.Guard(_directory, () => DiskSync.Directory(_directory));

    /// <inheritdoc/>
    public override IDisposable Lock(string name)
    {
        var path = PathOf(name);
        try
        {
            // An advisory lock of the whole file, which the system releases when the process ends however it ends.
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw exception is IOException and not FileNotFoundException and not DirectoryNotFoundException
            && !SystemFault.IsFull(exception)
                ? new StorageException(
                    StorageFault.Locked,
                    "Another process or another group has this store open. Stop it, or give this node a directory of its own.",
                    path,
                    innerException: exception
                )
                : SystemFault.Of(exception, path);
        }
    }

    private SystemFile OpenHandle(string name, FileMode mode, FileAccess access)
    {
        var path = PathOf(name);
        return SystemFault.Guard(
            path,
            () =>
                new SystemFile(
                    path,
                    File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete)
                )
        );
    }

    private sealed class SystemFile(string path, SafeFileHandle handle) : StoreFile
    {
        public override string Path => path;

        public override long Length
        {
            get
            {
                try
                {
                    return RandomAccess.GetLength(handle);
                }
                catch (IOException exception)
                {
                    throw SystemFault.Of(exception, path);
                }
            }
        }

        public override int Read(Span<byte> destination, long offset)
        {
            try
            {
                var total = 0;
                while (total < destination.Length)
                {
                    var count = RandomAccess.Read(handle, destination[total..], offset + total);
                    if (count == 0)
                    {
                        break;
                    }

                    total += count;
                }

                return total;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw SystemFault.Of(exception, path, offset);
            }
        }

        public override void Write(ReadOnlySpan<byte> source, long offset)
        {
            try
            {
                RandomAccess.Write(handle, source, offset);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw SystemFault.Of(exception, path, offset);
            }
        }

        public override void Flush()
        {
            try
            {
                DiskSync.File(handle);
            }
            catch (Exception exception) when (exception is IOException or Win32Exception)
            {
                throw SystemFault.Of(exception, path);
            }
        }

        public override void SetLength(long length) =>
            SystemFault.Guard(path, () => RandomAccess.SetLength(handle, length));

        public override void Dispose() => handle.Dispose();
    }
}

/// <summary>Turns what the system throws into the store's own exception.</summary>
internal static class SystemFault
{
    private const int NoSpace = 28;
    private const int QuotaReached = 122;
    private const int WindowsDiskFull = unchecked((int)0x80070070);

    public static void Guard(string path, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (IsOfTheSystem(exception))
        {
            throw Of(exception, path);
        }
    }

    public static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception exception) when (IsOfTheSystem(exception))
        {
            throw Of(exception, path);
        }
    }

    public static bool IsFull(Exception exception) =>
        exception is Win32Exception { NativeErrorCode: NoSpace or QuotaReached }
        || exception.HResult is NoSpace or QuotaReached or WindowsDiskFull;

    public static StorageException Of(Exception exception, string? path, long? offset = null) =>
        IsFull(exception)
            ? new StorageException(
                StorageFault.Full,
                "No space is left on the device. Make room, then start the node again",
                path,
                offset,
                exception
            )
            : new StorageException(
                StorageFault.Io,
                IsOfTheSystem(exception) ? $"The device failed: {exception.Message}" : exception.Message,
                path,
                offset,
                exception
            );

    public static bool IsOfTheSystem(Exception exception) =>
        exception is (IOException and not StorageException) or UnauthorizedAccessException or Win32Exception;
}
