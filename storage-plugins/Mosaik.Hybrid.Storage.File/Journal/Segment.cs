using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>An open segment of the log.</summary>
/// <remarks>
/// Readers are counted under the journal's lock: a file is written anew only when nobody reads its former content.
/// </remarks>
internal sealed class Segment(ulong number, StoreFile file, long capacity) : IDisposable
{
    private const string Prefix = "log-";
    private int _readers;
    private bool _isDropped;

    /// <summary>1, 2, 3, ...</summary>
    public ulong Number => number;

    /// <summary>The file.</summary>
    public StoreFile File => file;

    /// <summary>How many bytes it has room for.</summary>
    public long Capacity => capacity;

    /// <summary>True when bytes were written since the last flush.</summary>
    public bool IsDirty { get; set; }

    /// <summary>The file's name.</summary>
    public string Name => NameOf(number);

    /// <summary>The name of a segment's file.</summary>
    public static string NameOf(ulong number) => FormattableString.Invariant($"{Prefix}{number:x16}");

    /// <summary>Reads a number out of a file's name.</summary>
    public static bool TryParse(string name, out ulong number)
    {
        number = 0;
        return name.Length == Prefix.Length + 16
            && name.StartsWith(Prefix, StringComparison.Ordinal)
            && ulong.TryParse(
                name.AsSpan(Prefix.Length),
                System.Globalization.NumberStyles.AllowHexSpecifier,
                System.Globalization.CultureInfo.InvariantCulture,
                out number
            )
            && NameOf(number) == name;
    }

    /// <summary>A reader begins. Under the journal's lock.</summary>
    public void Enter() => _readers++;

    /// <summary>A reader ends. Under the journal's lock.</summary>
    public void Leave()
    {
        _readers--;
        CloseIfUnused();
    }

    /// <summary>No longer part of the log; closed once nobody reads. Under the journal's lock.</summary>
    /// <returns>True when it is closed now.</returns>
    public bool Drop()
    {
        _isDropped = true;
        return CloseIfUnused();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private bool CloseIfUnused()
    {
        if (_isDropped && _readers == 0)
        {
            file.Dispose();
            return true;
        }

        return false;
    }
}
