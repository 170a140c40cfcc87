using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Mosaik.Hybrid.Hosting.Runtime;

namespace Mosaik.Hybrid.Hosting.Options;

/// <summary>Reads the node's section of the configuration.</summary>
internal sealed class NodeSettings(GroupCatalog catalog, IConfiguration? configuration = null)
    : IConfigureOptions<MosaikOptions>
{
    public void Configure(MosaikOptions options)
    {
        if (catalog.SectionOf(configuration) is not { } section)
        {
            return;
        }

        SettingTables.Node.Read(section, catalog.SectionPath, options, options.Faults);
        foreach (var group in section.GetSection(GroupCatalog.GroupsSection).GetChildren())
        {
            if (
                !catalog.Groups.Any(known => known.Name.Equals(group.Key, StringComparison.OrdinalIgnoreCase))
            )
            {
                options.Faults.Add(
                    $"{catalog.PathOf(group.Key)} sets up a group that this program does not have; "
                        + $"it has {Listed(catalog)}."
                );
            }
        }
    }

    private static string Listed(GroupCatalog catalog) =>
        catalog.Groups.Count == 0
            ? "none"
            : string.Join(", ", catalog.Groups.Select(static group => $"'{group.Name}'"));
}

/// <summary>Reads the section of a group, and then does what code says of it.</summary>
internal sealed class GroupSettings(GroupCatalog catalog, IConfiguration? configuration = null)
    : IConfigureNamedOptions<MosaikGroupOptions>
{
    public void Configure(MosaikGroupOptions options) => Configure(null, options);

    public void Configure(string? name, MosaikGroupOptions options)
    {
        if (catalog.Groups.FirstOrDefault(group => group.Name == name) is not { } group)
        {
            return;
        }

        if (
            catalog.SectionOf(configuration)?.GetSection(GroupCatalog.GroupsSection).GetSection(group.Name) is
            { } section
        )
        {
            SettingTables.Group.Read(section, catalog.PathOf(group.Name), options, options.Faults);
        }

        group.Configure?.Invoke(options);
    }
}
