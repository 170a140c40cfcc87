using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Mosaik.Hybrid.Hosting.Options;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Hosting.Runtime;

/// <summary>What code has said of a host's node and of its groups. Written while services are added, read afterwards.</summary>
internal sealed partial class GroupCatalog
{
    /// <summary>Below the node's section.</summary>
    public const string GroupsSection = "Groups";

    private readonly List<GroupRegistration> _groups = [];

    /// <summary>In the order in which they are joined.</summary>
    public IReadOnlyList<GroupRegistration> Groups => _groups;

    /// <summary>The node's section; null for the one of the default name.</summary>
    public IConfiguration? Section { get; set; }

    public Func<IServiceProvider, NodeIdentity>? Identity { get; set; }

    public Func<IServiceProvider, NodeIdentity, ITransport>? Transport { get; set; }

    /// <summary>True when the page for Prometheus is wanted, wherever it is shown.</summary>
    public bool HasPage { get; set; }

    /// <summary>Meters besides this library's that the page for Prometheus shows.</summary>
    public HashSet<string> FurtherMeters { get; } = [];

    /// <summary>How messages call the node's section.</summary>
    public string SectionPath =>
        Section switch
        {
            null => MosaikOptions.SectionName,
            IConfigurationSection section => section.Path,
            _ => "",
        };

    /// <summary>The catalogue among services; null before there is one.</summary>
    public static GroupCatalog? Of(IServiceCollection services) =>
        services
            .FirstOrDefault(static service =>
                service.ServiceType == typeof(GroupCatalog) && !service.IsKeyedService
            )
            ?.ImplementationInstance as GroupCatalog;

    /// <summary>The node's section in a host with this configuration; null when there is none.</summary>
    public IConfiguration? SectionOf(IConfiguration? configuration) =>
        Section ?? configuration?.GetSection(MosaikOptions.SectionName);

    /// <summary>How messages call a group's section.</summary>
    public string PathOf(string group) => SettingPath.Of(SettingPath.Of(SectionPath, GroupsSection), group);

    public void Add(GroupRegistration group)
    {
        if (!GroupName().IsMatch(group.Name))
        {
            throw new ArgumentException(
                $"'{group.Name}' can't be a group's name: 1 to 64 letters, digits, '-', '_' or '.'."
            );
        }

        // Names of sections don't tell capitals from small letters.
        if (_groups.Any(known => known.Name.Equals(group.Name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new ArgumentException(
                $"There is a group '{group.Name}' already; give this one another name."
            );
        }

        _groups.Add(group);
    }

    /// <summary>The group of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public GroupRegistration Named(string name) =>
        _groups.FirstOrDefault(group => group.Name == name)
        ?? throw new ArgumentException(
            $"There is no group '{name}'; add it with AddGroup first.",
            nameof(name)
        );

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]{1,64}\z")]
    private static partial Regex GroupName();
}
