namespace Mosaik.Hybrid.Cli;

/// <summary>Secrets in new files, readable by the owner only.</summary>
internal static class SecretFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a text to a new file, which appears whole or not at all.</summary>
    /// <returns>False when there is such a file already; it is left as it is.</returns>
    /// <exception cref="ToolException">Its folder is not there.</exception>
    public static bool TryCreate(string path, string text)
    {
        var target = Path.GetFullPath(path);
        if (!Directory.Exists(Path.GetDirectoryName(target)))
        {
            throw new ToolException($"The folder of the file '{path}' is not there. Make it first.");
        }

        var temporary = $"{target}.{Guid.NewGuid():n}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var writer = new StreamWriter(temporary, options))
        {
            writer.Write(text);
        }

        try
        {
            File.Move(temporary, target, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(target))
        {
            File.Delete(temporary);
            return false;
        }
    }
}
