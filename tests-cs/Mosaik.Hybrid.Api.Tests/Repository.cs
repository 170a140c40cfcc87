namespace Mosaik.Hybrid.Api.Tests;

/// <summary>The source tree that these tests were built from.</summary>
internal static class Repository
{
    private static readonly string[] s_generated = ["bin", "obj", "node_modules", "TestResults"];

    public static string Root { get; } = FindRoot();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>A path below the root, with forward slashes.</summary>
    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    /// <summary>Every source file with one of the endings; nothing hidden, nothing generated.</summary>
    public static IEnumerable<string> Files(params string[] endings) =>
        FilesBelow(Root)
            .Where(path => endings.Contains(Path.GetExtension(path)))
            .Order(StringComparer.Ordinal);

    private static IEnumerable<string> FilesBelow(string folder) =>
        Directory
            .EnumerateDirectories(folder)
            .Where(path =>
                Path.GetFileName(path) is { } name && name[0] != '.' && !s_generated.Contains(name)
            )
            .SelectMany(FilesBelow)
            .Concat(Directory.EnumerateFiles(folder));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Mosaik.Hybrid.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("No solution file above the tests.");
    }
}
