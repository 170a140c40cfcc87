namespace Mosaik.Hybrid.Hosting.Options;

/// <summary>Group keys in files, as <c>mosaik keygen</c> writes them.</summary>
internal static class KeyFiles
{
    /// <summary>What a key looks like, to end a sentence with.</summary>
    public const string Form = "it begins with 'mosaik-key-1-', and 48 letters, digits, '-' or '_' follow";

    /// <summary>What nobody but the owner should have of such a file.</summary>
    public const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    private const int BytesMax = 4096;

    /// <summary>The key of a file; else null, and why. Never repeats what the file holds.</summary>
    public static GroupKey? TryRead(string path, out string fault)
    {
        fault = "";
        if (SmallFile.TryRead(path, BytesMax, out fault) is not { } text)
        {
            return null;
        }

        if (GroupKey.TryParse(text, out var key))
        {
            return key;
        }

        fault = $"the file '{path}' holds no group key: {Form}.";
        return null;
    }
}

/// <summary>Reads files that settings name, and says why not.</summary>
internal static class SmallFile
{
    /// <summary>The text of a file of at most so many bytes; else null, and a sentence why not.</summary>
    public static string? TryRead(string path, int bytesMax, out string fault)
    {
        fault = "";
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                fault = $"there is no file '{path}'.";
                return null;
            }

            if (file.Length > bytesMax)
            {
                fault = $"the file '{path}' is too large; at most {bytesMax} bytes.";
                return null;
            }

            return File.ReadAllText(path);
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            fault = $"the file '{path}' can't be read: {exception.Message}";
            return null;
        }
    }
}
