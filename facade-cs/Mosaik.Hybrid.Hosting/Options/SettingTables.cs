using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Hosting.Options;

/// <summary>Every setting that the configuration may hold.</summary>
internal static class SettingTables
{
    private const string Times = "in whole milliseconds,";

    public static SettingTable<MosaikOptions> Node { get; } =
        new SettingTable<MosaikOptions>()
            .Text("Network", "1 to 256 characters", static (options, value) => options.Network = value)
            .Text("IdentityFile", "a path", static (options, value) => options.IdentityFile = value)
            .List("ListenAddresses", "host:port", static options => options.ListenAddresses)
            .List("AdvertisedAddresses", "host:port", static options => options.AdvertisedAddresses)
            .List("Peers", "host:port", static options => options.Peers)
            .List("Tags", "1 to 64 bytes", static options => options.Tags)
            .List("TicketFiles", "paths", static options => options.TicketFiles)
            .Text("MetricsAddress", "host:port", static (options, value) => options.MetricsAddress = value)
            .Skip("Groups");

    public static SettingTable<MosaikConsensusOptions> Consensus { get; } =
        new SettingTable<MosaikConsensusOptions>()
            .Time(
                "HeartbeatInterval",
                $"{Times} 1 ms to 10 minutes",
                static (o, v) => o.HeartbeatInterval = v
            )
            .Time(
                "HeartbeatJitter",
                $"{Times} 0 to less than the interval",
                static (o, v) => o.HeartbeatJitter = v
            )
            .Number("MaxMissedHeartbeats", "1 to 10000", static (o, v) => o.MaxMissedHeartbeats = v)
            .Time(
                "ElectionTimeout",
                $"{Times} at least twice the heartbeat interval, up to 1 hour",
                static (o, v) => o.ElectionTimeout = v
            )
            .Time(
                "ElectionTimeoutJitter",
                $"{Times} 0 to 1 hour",
                static (o, v) => o.ElectionTimeoutJitter = v
            )
            .Time("BootstrapDelay", $"{Times} 0 to 1 hour", static (o, v) => o.BootstrapDelay = v)
            .Time("ForwardTimeout", $"{Times} 1 ms to 1 hour", static (o, v) => o.ForwardTimeout = v)
            .Time("QueryTimeout", $"{Times} 1 ms to 1 hour", static (o, v) => o.QueryTimeout = v)
            .Number("FoundingMembers", "1 to MaxVoters", static (o, v) => o.FoundingMembers = v)
            .Number("MaxVoters", "1 to 31", static (o, v) => o.MaxVoters = v)
            .Time(
                "RemovalDelay",
                $"{Times} at least twice the election timeout, up to 24 hours",
                static (o, v) => o.RemovalDelay = v
            )
            .Number("EntriesPerAppendMax", "1 to 65536", static (o, v) => o.EntriesPerAppendMax = v)
            .Number("BytesPerAppendMax", "1 to 8388608", static (o, v) => o.BytesPerAppendMax = v)
            .Number("EntriesInFlightMax", "1 to 16777216", static (o, v) => o.EntriesInFlightMax = v)
            .Number("BytesInFlightMax", "1 to 1073741824", static (o, v) => o.BytesInFlightMax = v)
            .Number("EntriesUncommittedMax", "1 to 16777216", static (o, v) => o.EntriesUncommittedMax = v)
            .Number("CommandBytesMax", "1 to 8388608", static (o, v) => o.CommandBytesMax = v)
            .Choice<LeadershipPreference>("Preference", static (o, v) => o.Preference = v)
            .Number("ReluctanceFactor", "1 to 100", static (o, v) => o.ReluctanceFactor = v);

    public static SettingTable<MosaikStorageOptions> Storage { get; } =
        new SettingTable<MosaikStorageOptions>()
            .Choice<MosaikStorageKind>("Kind", static (o, v) => o.Kind = v)
            .Text("Directory", "a path", static (o, v) => o.Directory = v)
            .Choice<Durability>("Durability", static (o, v) => o.Durability = v)
            .Number("SegmentBytes", "65536 to 1073741824", static (o, v) => o.SegmentBytes = v);

    public static SettingTable<MosaikTicketOptions> Tickets { get; } =
        new SettingTable<MosaikTicketOptions>()
            .List("KeyFiles", "paths", static options => options.KeyFiles)
            .List("Issuers", "1 to 1024 characters", static options => options.Issuers)
            .List("Audiences", "1 to 1024 characters", static options => options.Audiences)
            .Text("Subject", "1 to 1024 characters", static (o, v) => o.Subject = v)
            .Time("MaxLifetime", "more than zero", static (o, v) => o.MaxLifetime = v)
            .Time("ClockSkew", "0 to 10 minutes", static (o, v) => o.ClockSkew = v);

    public static SettingTable<MosaikGroupOptions> Group { get; } =
        new SettingTable<MosaikGroupOptions>()
            .Text("Key", "a group key", static (o, v) => o.Key = v)
            .Text("KeyFile", "a path", static (o, v) => o.KeyFile = v)
            .Flag("WaitUntilOnline", static (o, v) => o.WaitUntilOnline = v)
            .Section("Consensus", Consensus, static options => options.Consensus)
            .Section("Storage", Storage, static options => options.Storage)
            .Section("Tickets", Tickets, static options => options.Tickets);
}
