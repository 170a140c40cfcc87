namespace Mosaik.Hybrid.Storage.TestKit;

/// <summary>Where a store under test keeps its data: what is left of one instance is what the next one opens.</summary>
public abstract class StorePlace : IAsyncDisposable
{
    /// <summary>A store that has not been opened, over the data that are there.</summary>
    public abstract ILogStorage NewStore();

    /// <summary>Ends a store as the death of its process would: nothing is closed, flushed or said.</summary>
    /// <param name="running">An open store of this place, with no call on its way. Not used afterwards.</param>
    /// <returns>When the place holds what a later process would find.</returns>
    public abstract ValueTask CrashAsync(ILogStorage running);

    /// <summary>Removes the data.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>A directory below the system's temporary one, for a store on disk.</summary>
/// <param name="create">Makes a store over a directory, unopened.</param>
/// <remarks>
/// A crash is played by a copy: it has what a killed process leaves, and nothing that a later close would add.
/// </remarks>
public sealed class DirectoryPlace(Func<string, ILogStorage> create) : StorePlace
{
    private const int CopiesMax = 100;

    private readonly string _root = Directory.CreateTempSubdirectory("mosaik-store-").FullName;
    private int _lives;

    /// <summary>The directory that the next store opens. A test may damage what is in it.</summary>
    public string Current => Path.Combine(_root, FormattableString.Invariant($"life-{_lives}"));

    /// <inheritdoc/>
    public override ILogStorage NewStore() => create(Current);

    /// <inheritdoc/>
    public override async ValueTask CrashAsync(ILogStorage running)
    {
        ArgumentNullException.ThrowIfNull(running);
        var former = Current;
        _lives++;
        CopyQuiet(former, Current);
        await running.DisposeAsync();
        Directory.Delete(former, recursive: true);
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>Copies until nothing changed meanwhile: a store may tidy up by itself, and a crash is one moment.</summary>
    private static void CopyQuiet(string from, string to)
    {
        for (var attempt = 1; ; attempt++)
        {
            var before = Listing(from);
            try
            {
                Copy(from, to);
                if (Listing(from) == before)
                {
                    return;
                }
            }
            catch (FileNotFoundException) when (attempt < CopiesMax)
            {
                // Removed between the listing and the copy.
            }

            if (attempt == CopiesMax)
            {
                throw new InvalidOperationException($"The store never stopped changing {from}.");
            }

            Directory.Delete(to, recursive: true);
        }
    }

    private static string Listing(string directory) =>
        string.Join(
            '\n',
            Directory
                .EnumerateFiles(directory, "*", SearchOption.AllDirectories)
                .Select(static path => new FileInfo(path))
                .Where(static file => file.Exists)
                .Select(static file => $"{file.FullName} {file.Length} {file.LastWriteTimeUtc.Ticks}")
                .Order(StringComparer.Ordinal)
        );

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from))
        {
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        }

        foreach (var path in Directory.EnumerateFiles(from))
        {
            using var target = File.Create(Path.Combine(to, Path.GetFileName(path)));
            if (new FileInfo(path).Length > 0)
            {
                // An empty file may be the running store's lock, which can't be opened.
                using var source = new FileStream(
                    path,
                    new FileStreamOptions { Share = FileShare.ReadWrite | FileShare.Delete }
                );
                source.CopyTo(target);
            }
        }
    }
}

/// <summary>No place at all, for a store that keeps nothing.</summary>
/// <param name="create">Makes a store, unopened.</param>
public sealed class VolatilePlace(Func<ILogStorage> create) : StorePlace
{
    /// <inheritdoc/>
    public override ILogStorage NewStore() => create();

    /// <inheritdoc/>
    public override ValueTask CrashAsync(ILogStorage running)
    {
        ArgumentNullException.ThrowIfNull(running);
        return running.DisposeAsync();
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
