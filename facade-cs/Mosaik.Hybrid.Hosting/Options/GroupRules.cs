using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Mosaik.Hybrid.Hosting.Runtime;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Hosting.Options;

/// <summary>What a group's settings may be.</summary>
internal sealed partial class GroupRules(
    GroupCatalog catalog,
    IEnumerable<IConfigureOptions<MosaikOptions>> nodeSettings
) : IValidateOptions<MosaikGroupOptions>
{
    public ValidateOptionsResult Validate(string? name, MosaikGroupOptions options)
    {
        if (catalog.Groups.FirstOrDefault(group => group.Name == name) is not { } group)
        {
            return ValidateOptionsResult.Skip;
        }

        var path = catalog.PathOf(group.Name);
        List<string> faults = [.. options.Faults];
        CheckKey(group, options, path, faults);
        CheckConsensus(options.Consensus, SettingPath.Of(path, "Consensus"), faults);
        CheckStorage(group, options.Storage, SettingPath.Of(path, "Storage"), faults);
        faults.AddRange(TicketRules.FaultsOf(options.Tickets, SettingPath.Of(path, "Tickets")));
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void CheckKey(
        GroupRegistration group,
        MosaikGroupOptions options,
        string path,
        List<string> faults
    )
    {
        var (key, file) = (SettingPath.Of(path, "Key"), SettingPath.Of(path, "KeyFile"));
        switch (options.Key, options.KeyFile, group.HasKey)
        {
            case (null, null, false):
                faults.Add(
                    $"{key} is missing: the group's key, as 'mosaik keygen' writes it. "
                        + $"{file} may name a file that holds it instead."
                );
                break;
            case (not null, not null, _):
                faults.Add($"{key} and {file} are both set; one of them must go.");
                break;
            case (not null, _, true) or (_, not null, true):
                faults.Add(
                    $"{(options.Key is null ? file : key)} is set, and code gives a key too; one of them must go."
                );
                break;
            case (not null, _, _) when !GroupKey.TryParse(options.Key, out _):
                faults.Add($"{key} is not a group key: {KeyFiles.Form}.");
                break;
            case (_, not null, _) when KeyFiles.TryRead(options.KeyFile, out var fault) is null:
                faults.Add($"{file}: {fault}");
                break;
            default:
                break;
        }
    }

    private static void CheckConsensus(MosaikConsensusOptions options, string path, List<string> faults)
    {
        try
        {
            if (options.ReluctanceFactor is < 1 or > 100)
            {
                faults.Add(
                    $"{SettingPath.Of(path, "ReluctanceFactor")} is {options.ReluctanceFactor}; it must be 1 to 100."
                );
                return;
            }

            options.ToConfig();
        }
        catch (ConsensusConfigException exception)
        {
            // The library's names are those of the GroupId, and its times milliseconds.
            faults.AddRange(
                exception.Faults.Select(fault =>
                    $"{path}: {SnakeCase().Replace(fault, static name => Pascal(name.Value))} Times are in milliseconds."
                )
            );
        }
    }

    private void CheckStorage(
        GroupRegistration group,
        MosaikStorageOptions options,
        string path,
        List<string> faults
    )
    {
        var kind = SettingPath.Of(path, "Kind");
        if (!Enum.IsDefined(options.Kind))
        {
            faults.Add($"{kind} is {options.Kind}; it must be Memory, File or RocksDb.");
        }

        if (options.Kind == MosaikStorageKind.Memory)
        {
            return;
        }

        if (group.HasStorage)
        {
            faults.Add($"{kind} is {options.Kind}, and code gives a store too; one of them must go.");
        }

        if (string.IsNullOrWhiteSpace(options.Directory))
        {
            faults.Add(
                $"{SettingPath.Of(path, "Directory")} is missing: the directory of this node's log of group '{group.Name}'."
            );
        }

        if (!Enum.IsDefined(options.Durability))
        {
            faults.Add($"{SettingPath.Of(path, "Durability")} must be Fsync, OsCache or None.");
        }

        if (options.SegmentBytes is < FileLogOptions.SegmentBytesMin or > FileLogOptions.SegmentBytesMax)
        {
            faults.Add(
                $"{SettingPath.Of(path, "SegmentBytes")} is {options.SegmentBytes}; it must be "
                    + $"{FileLogOptions.SegmentBytesMin} to {FileLogOptions.SegmentBytesMax}."
            );
        }

        if (options.Kind == MosaikStorageKind.RocksDb && !RocksDbLogStore.IsInstalled)
        {
            faults.Add($"{kind} is RocksDb, and this machine has no librocksdb; install it, or say File.");
        }

        if (catalog.Identity is null && string.IsNullOrEmpty(NodeOptions().IdentityFile))
        {
            faults.Add(
                $"{SettingPath.Of(catalog.SectionPath, "IdentityFile")} is missing: group '{group.Name}' keeps its log "
                    + "on disk, and the log of one identity is refused to another."
            );
        }
    }

    /// <summary>The node's settings, unchecked: their faults are reported once, and not for each group again.</summary>
    private MosaikOptions NodeOptions()
    {
        var options = new MosaikOptions();
        foreach (var settings in nodeSettings)
        {
            settings.Configure(options);
        }

        return options;
    }

    private static string Pascal(string name) =>
        string.Concat(name.Split('_').Select(static word => char.ToUpperInvariant(word[0]) + word[1..]));

    [GeneratedRegex("[a-z]+(_[a-z]+)+")]
    private static partial Regex SnakeCase();
}
