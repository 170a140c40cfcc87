using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>Files that are ready to become segments: written full length, so that an append changes no metadata.</summary>
/// <remarks>Used by the writer; one file at a time is made ahead beside it.</remarks>
internal sealed class SegmentPool(StoreFiles files, int segmentBytes, int keptMax) : IDisposable
{
    private const string Prefix = "spare-";
    private const int ChunkBytes = 1024 * 1024;

    private readonly Queue<string> _spares = new();
    private Task<string>? _ahead;
    private int _lastName;

    /// <summary>Takes over what an earlier run has left.</summary>
    public void Recover(IEnumerable<string> names)
    {
        foreach (var name in names.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Order())
        {
            var number = int.TryParse(
                name.AsSpan(Prefix.Length),
                System.Globalization.CultureInfo.InvariantCulture,
                out var parsed
            )
                ? parsed
                : 0;
            _lastName = Math.Max(_lastName, number);
            bool fits;
            using (var file = files.Open(name, writable: false))
            {
                fits = file.Length == segmentBytes;
            }

            if (fits && _spares.Count < keptMax)
            {
                _spares.Enqueue(name);
            }
            else
            {
                // Cut short by a crash, or of another size.
                files.Delete(name);
            }
        }
    }

    /// <summary>Begins to make a file ahead, unless one is there.</summary>
    public void Prepare()
    {
        if (_spares.Count == 0 && _ahead is null)
        {
            var name = NextName();
            _ahead = Task.Run(() => Make(name, segmentBytes));
        }
    }

    /// <summary>Takes a file with room for so many bytes.</summary>
    /// <returns>Its name and length.</returns>
    /// <exception cref="StorageException">There is no room for one.</exception>
    public (string Name, long Length) Take(long bytesMin)
    {
        if (bytesMin > segmentBytes)
        {
            return (Make(NextName(), bytesMin), bytesMin);
        }

        if (_spares.TryDequeue(out var spare))
        {
            return (spare, segmentBytes);
        }

        var making = _ahead ?? Task.FromResult(Make(NextName(), segmentBytes));
        _ahead = null;
        return (making.GetAwaiter().GetResult(), segmentBytes);
    }

    /// <summary>Takes back a segment that is no longer part of the log, or removes it. The name must be synced after.</summary>
    public void GiveBack(string name, long length, bool isUnused)
    {
        if (isUnused && length == segmentBytes && _spares.Count < keptMax)
        {
            var spare = NextName();
            files.Rename(name, spare);
            _spares.Enqueue(spare);
        }
        else
        {
            files.Delete(name);
        }
    }

    /// <summary>Waits for the file that is being made.</summary>
    public void Dispose() =>
        _ahead?.ContinueWith(static _ => { }, TaskScheduler.Default).GetAwaiter().GetResult();

    private string NextName() => FormattableString.Invariant($"{Prefix}{++_lastName:d10}");

    private string Make(string name, long length)
    {
        using var file = files.Create(name);
        var zeros = new byte[Math.Min(ChunkBytes, length)];
        for (var offset = 0L; offset < length; offset += zeros.Length)
        {
            file.Write(zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - offset)), offset);
        }

        file.Flush();
        return name;
    }
}
