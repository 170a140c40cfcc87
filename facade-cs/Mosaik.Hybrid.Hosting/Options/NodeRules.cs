using System.Text;
using Microsoft.Extensions.Options;
using Mosaik.Hybrid.Hosting.Runtime;
using Mosaik.Hybrid.Transport;

namespace Mosaik.Hybrid.Hosting.Options;

/// <summary>What a node's settings may be.</summary>
internal sealed class NodeRules(GroupCatalog catalog) : IValidateOptions<MosaikOptions>
{
    private const int NetworkLengthMax = 256;
    private const int TagsMax = 32;
    private const int TagBytesMax = 64;
    private const int TicketsMax = 16;

    public ValidateOptionsResult Validate(string? name, MosaikOptions options)
    {
        List<string> faults = [.. options.Faults];
        if (string.IsNullOrWhiteSpace(options.Network))
        {
            faults.Add(
                $"{Path("Network")} is missing: the network's name, 1 to {NetworkLengthMax} characters."
            );
        }
        else if (options.Network.Length > NetworkLengthMax)
        {
            faults.Add(
                $"{Path("Network")} has {options.Network.Length} characters; it must have 1 to {NetworkLengthMax}."
            );
        }

        CheckAddresses("ListenAddresses", options.ListenAddresses, 0, faults);
        CheckAddresses("AdvertisedAddresses", options.AdvertisedAddresses, 0, faults);
        CheckAddresses("Peers", options.Peers, 1, faults);
        CheckAddresses("MetricsAddress", options.MetricsAddress is { } metrics ? [metrics] : [], 0, faults);
        CheckCount("Peers", options.Peers, PeerDiscoveryOptions.BootstrapPeersMax, faults);
        CheckCount("Tags", options.Tags, TagsMax, faults);
        foreach (
            var tag in options.Tags.Where(static tag => Encoding.UTF8.GetByteCount(tag) is 0 or > TagBytesMax)
        )
        {
            faults.Add($"{Path("Tags")}: '{tag}' must have 1 to {TagBytesMax} bytes of UTF-8.");
        }

        CheckCount("TicketFiles", options.TicketFiles, TicketsMax, faults);
        foreach (var file in options.TicketFiles)
        {
            if (TicketFiles.TryRead(file, out var fault) is null)
            {
                faults.Add($"{Path("TicketFiles")}: {fault}");
            }
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private void CheckAddresses(string setting, IList<string> addresses, int portMin, List<string> faults)
    {
        foreach (var text in addresses)
        {
            if (!PeerAddress.TryParse(text, out var address) || address.Port < portMin)
            {
                faults.Add(
                    $"{Path(setting)}: '{text}' must be host:port or [ipv6]:port, with a port from {portMin} to 65535."
                );
            }
        }
    }

    private void CheckCount(string setting, IList<string> values, int most, List<string> faults)
    {
        if (values.Count > most)
        {
            faults.Add($"{Path(setting)} has {values.Count} values; it must have at most {most}.");
        }
    }

    private string Path(string setting) => SettingPath.Of(catalog.SectionPath, setting);
}
