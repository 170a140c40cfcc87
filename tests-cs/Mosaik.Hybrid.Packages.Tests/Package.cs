using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Xml.Linq;

namespace Mosaik.Hybrid.Packages.Tests;

/// <summary>A package of the feed, read.</summary>
internal sealed class Package
{
    private static readonly Guid s_sourceLink = new("CC110556-A091-4D38-9FEC-25AB9A351A6A");

    private readonly ZipArchive _zip;

    private Package(string path)
    {
        // Read whole: the feed is other tests' too.
        _zip = new ZipArchive(new MemoryStream(File.ReadAllBytes(path)));
        using var nuspec = _zip
            .Entries.Single(static entry => entry.Name.EndsWith(".nuspec", StringComparison.Ordinal))
            .Open();
        var root = XDocument.Load(nuspec).Root!;
        Metadata = root.Element(root.Name.Namespace + "metadata")!;
    }

    public XElement Metadata { get; }

    /// <summary>What it holds, without what makes a package of it.</summary>
    public IEnumerable<string> Files =>
        _zip
            .Entries.Select(static entry => entry.FullName)
            .Where(static name =>
                !name.StartsWith("_rels/", StringComparison.Ordinal)
                && !name.StartsWith("package/", StringComparison.Ordinal)
                && !name.EndsWith(".nuspec", StringComparison.Ordinal)
                && name != "[Content_Types].xml"
            );

    /// <summary>The packages that it needs.</summary>
    public IEnumerable<string> Dependencies =>
        All("dependency").Select(static element => element.Attribute("id")!.Value);

    public static Package Of(Feed feed, string id) =>
        new(Path.Combine(feed.Folder, $"{id}.{feed.Version}.nupkg"));

    public static Package Symbols(Feed feed, string id) =>
        new(Path.Combine(feed.Folder, $"{id}.{feed.Version}.snupkg"));

    public string? Value(string name) => One(name)?.Value;

    public XElement? One(string name) => Metadata.Element(Metadata.Name.Namespace + name);

    public IEnumerable<XElement> All(string name) => Metadata.Descendants(Metadata.Name.Namespace + name);

    public string Text(string file)
    {
        using var reader = new StreamReader(new MemoryStream(Bytes(file)), Encoding.UTF8);
        return reader.ReadToEnd();
    }

    public byte[] Bytes(string file)
    {
        using var stream = _zip.GetEntry(file)!.Open();
        using var whole = new MemoryStream();
        stream.CopyTo(whole);
        return whole.ToArray();
    }

    /// <summary>The id of the symbols that belong to an assembly, and whether the same sources give the same bytes.</summary>
    public (Guid Symbols, bool IsDeterministic) Assembly(string file)
    {
        using var image = new PEReader(new MemoryStream(Bytes(file)));
        var entries = image.ReadDebugDirectory();
        var symbols = entries.Single(static entry =>
            entry.Type == DebugDirectoryEntryType.CodeView && entry.IsPortableCodeView
        );
        return (
            image.ReadCodeViewDebugDirectoryData(symbols).Guid,
            entries.Any(static entry => entry.Type == DebugDirectoryEntryType.Reproducible)
        );
    }

    /// <summary>The id of symbols, where they say the sources are, and the names of these.</summary>
    public (Guid Id, string? SourceLink, IReadOnlyList<string> Sources) Pdb(string file)
    {
        using var provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(Bytes(file)));
        var reader = provider.GetMetadataReader();
        var link = reader
            .CustomDebugInformation.Select(reader.GetCustomDebugInformation)
            .Where(information => reader.GetGuid(information.Kind) == s_sourceLink)
            .Select(information => Encoding.UTF8.GetString(reader.GetBlobBytes(information.Value)))
            .FirstOrDefault();
        var sources = reader
            .Documents.Select(reader.GetDocument)
            .Select(document => reader.GetString(document.Name))
            .ToList();
        return (new BlobContentId(reader.DebugMetadataHeader!.Id).Guid, link, sources);
    }
}
