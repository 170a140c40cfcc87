using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mosaik.Hybrid.Storage;

/// <summary>Flushes that tell when they fail.</summary>
/// <remarks>
/// For authors of stores. The flush calls of .NET return normally when fsync fails on Unix, so the system is asked
/// directly. After a failure nobody knows what is durable, and a second flush may claim that all is well: give up.
/// </remarks>
public static partial class DiskSync
{
    private const int Interrupted = 4;
    private const int ReadOnlyCloseOnExec = 0x80000;

    /// <summary>Makes a file's bytes durable, and its length.</summary>
    /// <param name="handle">An open file.</param>
    /// <exception cref="Win32Exception">The flush failed.</exception>
    public static void File(SafeFileHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(handle);
        }
        else if (OperatingSystem.IsLinux())
        {
            Check(static file => DataSync(file), handle);
        }
        else
        {
            // fsync tells of errors; on macOS only the runtime's call also empties the drive's own cache.
            Check(static file => FullSync(file), handle);
            RandomAccess.FlushToDisk(handle);
        }
    }

    /// <summary>Makes the names in a directory durable: files that were made, renamed or removed in it.</summary>
    /// <param name="path">A directory that exists.</param>
    /// <exception cref="Win32Exception">The flush failed.</exception>
    public static void Directory(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (OperatingSystem.IsWindows())
        {
            // The file system's journal keeps names in order, and a directory can't be flushed there.
            return;
        }

        using var handle = OpenPath(path, OperatingSystem.IsLinux() ? ReadOnlyCloseOnExec : 0);
        if (handle.IsInvalid)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        Check(static file => FullSync(file), handle);
    }

    private static void Check(Func<SafeFileHandle, int> sync, SafeFileHandle handle)
    {
        while (sync(handle) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
            {
                throw new Win32Exception(error);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int DataSync(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FullSync(SafeFileHandle file);

    [LibraryImport(
        "libc",
        EntryPoint = "open",
        SetLastError = true,
        StringMarshalling = StringMarshalling.Utf8
    )]
    private static partial SafeFileHandle OpenPath(string path, int flags);
}
