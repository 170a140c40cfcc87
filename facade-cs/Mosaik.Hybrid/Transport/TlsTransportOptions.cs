namespace Mosaik.Hybrid.Transport;

/// <summary>Where a <see cref="TlsTransport"/> listens and how much it puts up with.</summary>
public sealed class TlsTransportOptions
{
    /// <summary>The host that stands for every address of the machine.</summary>
    public const string AnyHost = "*";

    /// <summary>Where to listen.</summary>
    /// <value>
    /// By default every address of the machine, IPv4 and IPv6, on any free port: <c>*:0</c>. That is safe: who
    /// can't prove an identity learns nothing and is dropped, and who can still has to pass the group's checks.
    /// </value>
    public IReadOnlyList<PeerAddress> ListenAddresses { get; set; } = [new PeerAddress(AnyHost, 0)];

    /// <summary>What others are told to dial.</summary>
    /// <value>
    /// By default empty: the addresses listened on, and for <see cref="AnyHost"/> those of the machine's
    /// interfaces, loopback last. Needed behind address translation. Port 0 means the first port listened on.
    /// </value>
    public IReadOnlyList<PeerAddress> AdvertisedAddresses { get; set; } = [];

    /// <summary>How long a connection may take to prove its identity, counted from its first moment.</summary>
    /// <value>5 s by default; more than zero.</value>
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long dialling waits for each address of a host to answer at all.</summary>
    /// <value>3 s by default; more than zero.</value>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How many accepted connections may be proving their identity at once; more are refused.</summary>
    /// <value>64 by default; at least 1.</value>
    public int HandshakesMax { get; set; } = 64;

    /// <summary>How many of those may come from one IP address, so that one host can't use them all up.</summary>
    /// <value>16 by default; at least 1.</value>
    public int HandshakesPerHostMax { get; set; } = 16;

    /// <summary>How many accepted links may be open at once; more are refused.</summary>
    /// <value>1,024 by default; at least 1.</value>
    public int LinksMax { get; set; } = 1024;

    /// <summary>How many accepted links may wait for <see cref="ITransport.AcceptAsync"/>; more are refused.</summary>
    /// <value>128 by default; at least 1.</value>
    public int UnacceptedLinksMax { get; set; } = 128;

    internal void Validate()
    {
        var faults = new List<string>();
        Check(ListenAddresses is { Count: > 0 }, "ListenAddresses is empty");
        Check(AdvertisedAddresses is not null, "AdvertisedAddresses is null");
        Check(HandshakeTimeout > TimeSpan.Zero, "HandshakeTimeout is not positive");
        Check(ConnectTimeout > TimeSpan.Zero, "ConnectTimeout is not positive");
        Check(HandshakesMax >= 1, "HandshakesMax is below 1");
        Check(HandshakesPerHostMax >= 1, "HandshakesPerHostMax is below 1");
        Check(LinksMax >= 1, "LinksMax is below 1");
        Check(UnacceptedLinksMax >= 1, "UnacceptedLinksMax is below 1");
        if (faults.Count > 0)
        {
            throw new ArgumentException($"TlsTransportOptions: {string.Join("; ", faults)}.");
        }

        void Check(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }
}
