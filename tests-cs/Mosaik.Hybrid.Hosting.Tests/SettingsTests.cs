using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Mosaik.Hybrid.Hosting.Options;
using Mosaik.Hybrid.Hosting.Tests.Support;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Hosting.Tests;

/// <summary>Settings are read as they are meant, and what is wrong with them is said before anything starts.</summary>
public sealed class SettingsTests
{
    private const string Ledger = "Mosaik:Groups:ledger";

    [Fact]
    public void EveryParameterOfConsensusIsASetting()
    {
        var parameters = typeof(ConsensusConfig)
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(static property => property.Name);
        Assert.Equal(parameters.Order(), SettingTables.Consensus.Names.Order());
    }

    [Fact]
    public void EverySettingOfTheNodeIsRead()
    {
        var options = NodeOptions(
            new()
            {
                ["Mosaik:Network"] = "orders",
                ["Mosaik:IdentityFile"] = "node.pem",
                ["Mosaik:ListenAddresses:0"] = "*:7000",
                ["Mosaik:AdvertisedAddresses:0"] = "me.example:7000",
                ["Mosaik:Peers"] = "one.example:7000, [::1]:7001",
                ["Mosaik:Tags:0"] = "blue",
                ["Mosaik:Tags:1"] = "east",
                ["Mosaik:TicketFiles:0"] = "ticket.jwt",
            }
        );
        Assert.Equal("orders", options.Network);
        Assert.Equal("node.pem", options.IdentityFile);
        Assert.Equal(["*:7000"], options.ListenAddresses);
        Assert.Equal(["me.example:7000"], options.AdvertisedAddresses);
        Assert.Equal(["one.example:7000", "[::1]:7001"], options.Peers);
        Assert.Equal(["blue", "east"], options.Tags);
        Assert.Equal(["ticket.jwt"], options.TicketFiles);
        Assert.Empty(options.Faults);
    }

    [Fact]
    public void EverySettingOfAGroupIsRead()
    {
        var options = GroupOptions(
            new()
            {
                [$"{Ledger}:Key"] = "k",
                [$"{Ledger}:KeyFile"] = "f",
                [$"{Ledger}:WaitUntilOnline"] = "true",
                [$"{Ledger}:Storage:Kind"] = "file",
                [$"{Ledger}:Storage:Directory"] = "/data",
                [$"{Ledger}:Storage:Durability"] = "OsCache",
                [$"{Ledger}:Storage:SegmentBytes"] = "131072",
                [$"{Ledger}:Tickets:KeyFiles"] = "a.pem,b.pem",
                [$"{Ledger}:Tickets:Issuers:0"] = "issuer",
                [$"{Ledger}:Tickets:Audiences:0"] = "audience",
                [$"{Ledger}:Tickets:Subject"] = "subject",
                [$"{Ledger}:Tickets:MaxLifetime"] = "01:00:00",
                [$"{Ledger}:Tickets:ClockSkew"] = "00:00:05",
            }
        );
        Assert.Equal(("k", "f", true), (options.Key, options.KeyFile, options.WaitUntilOnline));
        Assert.Equal(
            (MosaikStorageKind.File, "/data", Durability.OsCache, 131_072),
            (
                options.Storage.Kind,
                options.Storage.Directory,
                options.Storage.Durability,
                options.Storage.SegmentBytes
            )
        );
        Assert.Equal(["a.pem", "b.pem"], options.Tickets.KeyFiles);
        Assert.Equal(["issuer"], options.Tickets.Issuers);
        Assert.Equal(["audience"], options.Tickets.Audiences);
        Assert.Equal("subject", options.Tickets.Subject);
        Assert.Equal(TimeSpan.FromHours(1), options.Tickets.MaxLifetime);
        Assert.Equal(TimeSpan.FromSeconds(5), options.Tickets.ClockSkew);
        Assert.Empty(options.Faults);
    }

    [Fact]
    public void EveryConsensusParameterIsRead()
    {
        var times = typeof(ConsensusConfig)
            .GetProperties()
            .Where(static property => property.PropertyType == typeof(TimeSpan));
        var numbers = typeof(MosaikConsensusOptions)
            .GetProperties()
            .Where(static property => property.PropertyType == typeof(int?));
        var settings = new Dictionary<string, string?> { [$"{Ledger}:Consensus:Preference"] = "Observer" };
        var expected = new Dictionary<string, object>();
        var next = 7;
        foreach (var property in times)
        {
            settings[$"{Ledger}:Consensus:{property.Name}"] = $"00:00:00.0{next:00}";
            expected[property.Name] = TimeSpan.FromMilliseconds(next++);
        }

        foreach (var property in numbers)
        {
            settings[$"{Ledger}:Consensus:{property.Name}"] = $"{next}";
            expected[property.Name] = next++;
        }

        // The values that are tied to each other.
        (settings[$"{Ledger}:Consensus:HeartbeatJitter"], expected["HeartbeatJitter"]) = (
            "00:00:00",
            TimeSpan.Zero
        );
        (settings[$"{Ledger}:Consensus:ElectionTimeout"], expected["ElectionTimeout"]) = (
            "00:00:02",
            TimeSpan.FromSeconds(2)
        );
        (settings[$"{Ledger}:Consensus:RemovalDelay"], expected["RemovalDelay"]) = (
            "00:00:05",
            TimeSpan.FromSeconds(5)
        );
        (settings[$"{Ledger}:Consensus:FoundingMembers"], expected["FoundingMembers"]) = ("2", 2);
        var config = GroupOptions(settings).Consensus.ToConfig();
        Assert.Equal(LeadershipPreference.Observer, config.Preference);
        Assert.All(
            expected,
            pair => Assert.Equal(pair.Value, typeof(ConsensusConfig).GetProperty(pair.Key)!.GetValue(config))
        );
    }

    [Fact]
    public void EveryPropertyOfTheOptionsIsASetting()
    {
        Check<MosaikOptions>(SettingTables.Node.Names, "Groups");
        Check<MosaikGroupOptions>(SettingTables.Group.Names);
        Check<MosaikConsensusOptions>(SettingTables.Consensus.Names);
        Check<MosaikStorageOptions>(SettingTables.Storage.Names);
        Check<MosaikTicketOptions>(SettingTables.Tickets.Names);

        static void Check<TOptions>(IEnumerable<string> names, params string[] besides) =>
            Assert.Equal(
                typeof(TOptions)
                    .GetProperties(BindingFlags.Public | BindingFlags.Instance)
                    .Select(static property => property.Name)
                    .Concat(besides)
                    .Order(),
                names.Order()
            );
    }

    [Fact]
    public void CodeHasTheLastWord()
    {
        using var host = Host(
            new() { ["Mosaik:Network"] = "from settings", [$"{Ledger}:Consensus:MaxVoters"] = "3" },
            mosaik =>
                mosaik.Services.Configure<MosaikOptions>(static options => options.Network = "from code"),
            static group =>
                group.UseKey(GroupKey.Generate()).Configure(static options => options.Consensus.MaxVoters = 7)
        );
        Assert.Equal("from code", host.Services.GetRequiredService<IOptions<MosaikOptions>>().Value.Network);
        Assert.Equal(7, Monitor(host).Get("ledger").Consensus.MaxVoters);
    }

    [Theory]
    [InlineData("Network", "", "Mosaik:Network is missing: the network's name, 1 to 256 characters.")]
    [InlineData("Netwerk", "x", "Mosaik:Netwerk is not a setting; it may be Network, ")]
    [InlineData(
        "Peers",
        "nowhere",
        "Mosaik:Peers: 'nowhere' must be host:port or [ipv6]:port, with a port from 1 to 65535."
    )]
    [InlineData("Peers", "host:0", "Mosaik:Peers: 'host:0' must be host:port")]
    [InlineData(
        "ListenAddresses",
        "7000",
        "Mosaik:ListenAddresses: '7000' must be host:port or [ipv6]:port, with a port from 0"
    )]
    [InlineData("AdvertisedAddresses", "h:99999", "Mosaik:AdvertisedAddresses: 'h:99999' must be host:port")]
    [InlineData("TicketFiles", "/none/ticket", "Mosaik:TicketFiles: there is no file '/none/ticket'.")]
    [InlineData(
        "Groups:other:Key",
        "x",
        "Mosaik:Groups:other sets up a group that this program does not have; it has 'ledger'."
    )]
    [InlineData(
        "Groups:ledger:Key",
        "",
        "Mosaik:Groups:ledger:Key is missing: the group's key, as 'mosaik keygen' writes it."
    )]
    [InlineData(
        "Groups:ledger:Key",
        "sesame",
        "Mosaik:Groups:ledger:Key is not a group key: it begins with 'mosaik-key-1-'"
    )]
    [InlineData(
        "Groups:ledger:KeyFile",
        "/none/key",
        "Mosaik:Groups:ledger:Key and Mosaik:Groups:ledger:KeyFile are both set"
    )]
    [InlineData(
        "Groups:ledger:Colour",
        "red",
        "Mosaik:Groups:ledger:Colour is not a setting; it may be Key, KeyFile, "
    )]
    [InlineData(
        "Groups:ledger:WaitUntilOnline",
        "perhaps",
        "Mosaik:Groups:ledger:WaitUntilOnline is 'perhaps'; it must be true or false."
    )]
    [InlineData(
        "Groups:ledger:Consensus:MaxVoters",
        "many",
        "Consensus:MaxVoters is 'many'; it must be a whole number, 1 to 31."
    )]
    [InlineData(
        "Groups:ledger:Consensus:MaxVoters",
        "32",
        "Mosaik:Groups:ledger:Consensus: MaxVoters is 32; it must be between 1 and 31."
    )]
    [InlineData(
        "Groups:ledger:Consensus:HeartbeatInterval",
        "soon",
        "HeartbeatInterval is 'soon'; it must be a time such as 00:00:02.500"
    )]
    [InlineData(
        "Groups:ledger:Consensus:HeartbeatInterval",
        "2",
        "Consensus: HeartbeatInterval is 172800000; it must be between 1 and 600000."
    )]
    [InlineData(
        "Groups:ledger:Consensus:ElectionTimeout",
        "00:00:00.001",
        "Consensus: ElectionTimeout is 1; it must be between 2 and 3600000."
    )]
    [InlineData(
        "Groups:ledger:Consensus:ElectionTimeout",
        "00:00:00.500",
        "ElectionTimeout (500 ms) must be at least twice HeartbeatInterval (500 ms)"
    )]
    [InlineData(
        "Groups:ledger:Consensus:FoundingMembers",
        "6",
        "Consensus: FoundingMembers (6) must not exceed MaxVoters (5)."
    )]
    [InlineData(
        "Groups:ledger:Consensus:Preference",
        "2",
        "Preference is '2'; it must be one of Normal, Reluctant, Observer."
    )]
    [InlineData(
        "Groups:ledger:Consensus:ReluctanceFactor",
        "101",
        "Consensus:ReluctanceFactor is 101; it must be 1 to 100."
    )]
    [InlineData(
        "Groups:ledger:Storage:Kind",
        "Tape",
        "Storage:Kind is 'Tape'; it must be one of Memory, File, RocksDb."
    )]
    [InlineData("Groups:ledger:Storage:Kind", "File", "Mosaik:Groups:ledger:Storage:Directory is missing")]
    [InlineData(
        "Groups:ledger:Storage:Kind",
        "File",
        "Mosaik:IdentityFile is missing: group 'ledger' keeps its log on disk"
    )]
    [InlineData("Groups:ledger:Tickets:Issuers", "me", "Mosaik:Groups:ledger:Tickets:KeyFiles is missing")]
    [InlineData(
        "Groups:ledger:Tickets:KeyFiles",
        "/none/pem",
        "Tickets:KeyFiles: there is no file '/none/pem'."
    )]
    public async Task WhatIsWrongIsNamed(string setting, string value, string message)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Mosaik:Network"] = "test",
            [$"{Ledger}:Key"] = GroupKey.Generate().Export(),
            [$"Mosaik:{setting}"] = value,
        };
        using var host = Host(settings);
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains(exception.Failures, fault => fault.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task SegmentsHaveARange()
    {
        using var host = Host(
            new()
            {
                ["Mosaik:Network"] = "test",
                ["Mosaik:IdentityFile"] = "node.pem",
                [$"{Ledger}:Key"] = GroupKey.Generate().Export(),
                [$"{Ledger}:Storage:Kind"] = "File",
                [$"{Ledger}:Storage:Directory"] = "/data",
                [$"{Ledger}:Storage:SegmentBytes"] = "1",
            }
        );
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Equal(
            "Mosaik:Groups:ledger:Storage:SegmentBytes is 1; it must be 65536 to 1073741824.",
            Assert.Single(exception.Failures)
        );
    }

    [Fact]
    public async Task NoMessageRepeatsAKey()
    {
        var mistyped = GroupKey.Generate().Export() + "x";
        using var host = Host(new() { ["Mosaik:Network"] = "test", [$"{Ledger}:Key"] = mistyped });
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.DoesNotContain(mistyped, exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AKeyFromCodeAndOneFromSettingsAreOneTooMany()
    {
        using var host = Host(
            new() { ["Mosaik:Network"] = "test", [$"{Ledger}:Key"] = GroupKey.Generate().Export() },
            group: static group => group.UseKey(GroupKey.Generate())
        );
        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains("code gives a key too", Assert.Single(exception.Failures), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    [InlineData("a:b")]
    public void NamesOfGroupsAreSectionsToo(string name)
    {
        var mosaik = new ServiceCollection().AddMosaik();
        Assert.Throws<ArgumentException>(() => mosaik.AddGroup(name));
    }

    [Fact]
    public void ANameIsTakenOnce()
    {
        var mosaik = new ServiceCollection().AddMosaik().AddGroup("jobs");
        Assert.Throws<ArgumentException>(() => mosaik.AddGroup("Jobs"));
    }

    [Fact]
    public void AJobNeedsAGroupThatIsThere()
    {
        var mosaik = new ServiceCollection().AddMosaik();
        Assert.Throws<ArgumentException>(() => mosaik.AddLeaderService<Job>("jobs"));
    }

    [Fact]
    public void AnotherSectionMayStandForMosaik()
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["Mine:Network"] = "mine", ["Mine:Groups:jobs:Colour"] = "red" }
        );
        builder.Services.AddMosaik(builder.Configuration.GetSection("Mine")).AddGroup("jobs");
        using var host = builder.Build();
        Assert.Equal("mine", host.Services.GetRequiredService<IOptions<MosaikOptions>>().Value.Network);
        var exception = Assert.Throws<OptionsValidationException>(() => Monitor(host).Get("jobs"));
        Assert.Contains(
            exception.Failures,
            static fault => fault.StartsWith("Mine:Groups:jobs:Colour is not", StringComparison.Ordinal)
        );
    }

    private static MosaikOptions NodeOptions(Dictionary<string, string?> settings)
    {
        using var host = Host(settings);
        var options = new MosaikOptions();
        host.Services.GetRequiredService<IConfigureOptions<MosaikOptions>>().Configure(options);
        return options;
    }

    private static MosaikGroupOptions GroupOptions(Dictionary<string, string?> settings)
    {
        using var host = Host(settings);
        var options = new MosaikGroupOptions();
        foreach (var configure in host.Services.GetServices<IConfigureOptions<MosaikGroupOptions>>())
        {
            ((IConfigureNamedOptions<MosaikGroupOptions>)configure).Configure("ledger", options);
        }

        return options;
    }

    private static IOptionsMonitor<MosaikGroupOptions> Monitor(IHost host) =>
        host.Services.GetRequiredService<IOptionsMonitor<MosaikGroupOptions>>();

    private static IHost Host(
        Dictionary<string, string?> settings,
        Action<MosaikBuilder>? more = null,
        Action<HostedGroupBuilder<int, string, long>>? group = null
    )
    {
        // In memory, so that a setting that is right after all opens no port.
        var wire = new InProcessNetwork();
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings);
        group ??= settings.ContainsKey($"{Ledger}:Key")
            ? null
            : static group => group.UseKey(GroupKey.Generate());
        var mosaik = builder
            .Services.AddMosaik()
            .UseTransport((_, identity) => wire.CreateTransport(identity))
            .AddGroup("ledger", static _ => new Sum(), group);
        more?.Invoke(mosaik);
        return builder.Build();
    }
}
