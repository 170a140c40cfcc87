using Microsoft.CodeAnalysis;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>What snippets are compiled against: everything that these tests run with.</summary>
internal static class References
{
    public static IReadOnlyList<MetadataReference> All { get; } =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];
}
