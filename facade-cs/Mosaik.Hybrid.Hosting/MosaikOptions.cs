namespace Mosaik.Hybrid.Hosting;

/// <summary>What a node is set up with; section <c>Mosaik</c> of the configuration, where groups have a section each.</summary>
/// <remarks>Read once, when the host starts. In configuration a list may also be one text, with commas.</remarks>
public sealed class MosaikOptions
{
    /// <summary>The section of the configuration: <c>Mosaik</c>.</summary>
    public const string SectionName = "Mosaik";

    /// <summary>The network's name, the same on all its nodes.</summary>
    /// <value>None; must be given. 1 to 256 characters.</value>
    public string? Network { get; set; }

    /// <summary>The PEM file of this node's identity key; made at the first start.</summary>
    /// <value>None: a fresh identity at every start. Must be given when a group keeps its log on disk.</value>
    public string? IdentityFile { get; set; }

    /// <summary>Where to listen, as <c>host:port</c>; port 0 is any free one, host <c>*</c> every interface.</summary>
    /// <value>Empty: any free port on every interface.</value>
    public IList<string> ListenAddresses { get; } = [];

    /// <summary>What to tell others to dial, as <c>host:port</c>, when it is not where this node listens.</summary>
    /// <value>Empty: where this node listens.</value>
    public IList<string> AdvertisedAddresses { get; } = [];

    /// <summary>Peers to dial first, as <c>host:port</c>; one that answers is enough, names may have several addresses.</summary>
    /// <value>Empty. At most 256; ports from 1.</value>
    public IList<string> Peers { get; } = [];

    /// <summary>Labels that this node's entry carries.</summary>
    /// <value>None. At most 32, of 1 to 64 bytes of UTF-8 each.</value>
    public IList<string> Tags { get; } = [];

    /// <summary>Files that hold a ticket each, a signed JSON Web Token, that this node shows; read again when they change.</summary>
    /// <value>None. At most 16.</value>
    public IList<string> TicketFiles { get; } = [];

    /// <summary>Where to answer <c>GET /metrics</c> with a page for Prometheus, as <c>host:port</c>.</summary>
    /// <value>
    /// None: nowhere. Port 0 is any free one, host <c>*</c> every interface. Plain HTTP without a password, and figures of
    /// this node are all that is told: listen where only those can dial who may read them.
    /// </value>
    public string? MetricsAddress { get; set; }

    /// <summary>What the configuration says that can't be understood.</summary>
    internal IList<string> Faults { get; } = [];
}
