using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Hosting.Diagnostics;
using Mosaik.Hybrid.Hosting.Options;
using Mosaik.Hybrid.Storage;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Hosting.Runtime;

/// <summary>What code has said of one group; a description, that any number of hosts may be made from.</summary>
internal abstract class GroupRegistration(string name)
{
    public string Name { get; } = name;

    /// <summary>Changes settings after the configuration was read.</summary>
    public Action<MosaikGroupOptions>? Configure { get; set; }

    public Func<IServiceProvider, GroupKey>? Key { get; set; }

    public Func<IServiceProvider, ILogStorage>? Storage { get; set; }

    public SnapshotOptions? Snapshots { get; set; }

    public IList<Func<IServiceProvider, ITicketValidator>> Validators { get; } = [];

    public bool HasKey => Key is not null;

    public bool HasStorage => Storage is not null;
}

/// <summary>What code has said of one group, with its types.</summary>
internal sealed class GroupRegistration<TCommand, TQuery, TResult>(
    string name,
    Func<IServiceProvider, IStateMachine<TCommand, TQuery, TResult>> machine
) : GroupRegistration(name)
{
    public Func<IServiceProvider, ICommandCodec<TCommand>>? Codec { get; set; }

    /// <summary>Makes the group a service, by its name.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddOptions<MosaikGroupOptions>(Name).ValidateOnStart();
        services.AddKeyedSingleton(
            Name,
            (provider, _) => new HostedGroup<TCommand, TQuery, TResult>(this, provider)
        );
        services.AddKeyedSingleton<HostedGroup>(
            Name,
            static (provider, name) =>
                provider.GetRequiredKeyedService<HostedGroup<TCommand, TQuery, TResult>>(name)
        );
        services.AddKeyedSingleton(
            Name,
            static (provider, name) =>
                provider.GetRequiredKeyedService<HostedGroup<TCommand, TQuery, TResult>>(name).Current
        );
    }

    /// <summary>Joins by the settings, which were checked.</summary>
    public Group<TCommand, TQuery, TResult> Join(
        IServiceProvider services,
        Network network,
        MosaikGroupOptions options
    )
    {
        var builder = network
            .Groups.WithKey(KeyOf(services, options))
            .WithConsensusConfig(options.Consensus.ToConfig());
        builder = Snapshots is null ? builder : builder.WithSnapshots(Snapshots);
        builder = ValidatorsOf(services, options)
            .Aggregate(builder, static (known, validator) => known.RequireTicket(validator));
        var withMachine = builder.WithStateMachine(machine(services));
        return (StoreOf(services, options.Storage), Codec?.Invoke(services)) switch
        {
            (null, null) => withMachine.Join(),
            (null, { } codec) => withMachine.WithCommandCodec(codec).Join(),
            ({ } store, null) => withMachine.WithLogStorage(store).Join(),
            ({ } store, { } codec) => withMachine.WithLogStorage(store).WithCommandCodec(codec).Join(),
        };
    }

    private GroupKey KeyOf(IServiceProvider services, MosaikGroupOptions options)
    {
        if (Key is not null)
        {
            return Key(services);
        }

        if (options.KeyFile is not { } file)
        {
            return GroupKey.Parse(options.Key ?? "");
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file) & KeyFiles.Others) != 0)
        {
            HostingEvents.KeyFileIsOpen(
                services.GetRequiredService<ILoggerFactory>().CreateLogger<MosaikNode>(),
                Name
            );
        }

        // It was a key when the settings were checked; whoever changed it since is told why it is none now.
        return KeyFiles.TryRead(file, out var fault) ?? throw new InvalidOperationException(fault);
    }

    private IEnumerable<ITicketValidator> ValidatorsOf(IServiceProvider services, MosaikGroupOptions options)
    {
        List<string> faults = [];
        var fromSettings = TicketRules.TryCreate(
            options.Tickets,
            Name,
            services.GetRequiredService<TimeProvider>(),
            faults
        );
        if (faults.Count > 0)
        {
            throw new InvalidOperationException(string.Join(" ", faults));
        }

        return fromSettings is null
            ? Validators.Select(validator => validator(services))
            : Validators.Select(validator => validator(services)).Prepend(fromSettings);
    }

    private ILogStorage? StoreOf(IServiceProvider services, MosaikStorageOptions options) =>
        options.Kind switch
        {
            _ when Storage is not null => Storage(services),
            MosaikStorageKind.File => new FileLogStore(
                options.Directory!,
                new FileLogOptions
                {
                    Durability = options.Durability,
                    SegmentBytes = options.SegmentBytes,
                    TimeProvider = services.GetRequiredService<TimeProvider>(),
                }
            ),
            MosaikStorageKind.RocksDb => new RocksDbLogStore(
                options.Directory!,
                services.GetRequiredService<TimeProvider>()
            ),
            _ => null,
        };
}
