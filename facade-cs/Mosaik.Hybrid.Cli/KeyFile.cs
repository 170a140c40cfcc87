namespace Mosaik.Hybrid.Cli;

/// <summary>Group keys in files: the text of <see cref="GroupKey.Export"/>, readable by the owner only.</summary>
internal static class KeyFile
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Reads a key; makes one first if there is no file and <paramref name="create"/> says so.</summary>
    /// <exception cref="ToolException">There is no such file, or it holds no key.</exception>
    public static GroupKey Load(string path, bool create)
    {
        if (create && !File.Exists(path))
        {
            // When several processes race, one of them makes the file, and all read it.
            TryCreate(path, GroupKey.Generate());
        }

        if (!File.Exists(path))
        {
            throw new ToolException(
                $"There is no key file '{path}'. Make one with 'mosaik keygen --out {path}', or add --create-key."
            );
        }

        return GroupKey.TryParse(File.ReadAllText(path), out var key)
            ? key
            : throw new ToolException(
                $"The file '{path}' holds no group key. It has one line that begins with 'mosaik-key-1-'; "
                    + "make one with 'mosaik keygen'."
            );
    }

    /// <summary>Writes a key to a new file, which appears whole or not at all.</summary>
    /// <returns>False when there is such a file already; it is left as it is.</returns>
    /// <exception cref="ToolException">Its folder is not there.</exception>
    public static bool TryCreate(string path, GroupKey key) =>
        SecretFile.TryCreate(path, key.Export() + "\n");

    /// <summary>True when others than the owner may read or change the file.</summary>
    public static bool IsOpenToOthers(string path) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0;
}
