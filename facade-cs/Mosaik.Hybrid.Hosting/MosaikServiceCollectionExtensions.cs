using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Mosaik.Hybrid.Hosting.Metrics;
using Mosaik.Hybrid.Hosting.Options;
using Mosaik.Hybrid.Hosting.Runtime;

namespace Mosaik.Hybrid.Hosting;

/// <summary>The way in: a node of a network among the services of a host.</summary>
public static class MosaikServiceCollectionExtensions
{
    /// <summary>Adds this process's node, set up by section <c>Mosaik</c> of the configuration and then by code.</summary>
    /// <param name="services">The services of one host; a host has one node.</param>
    /// <param name="configure">Runs after the configuration was read, so what it sets is what counts.</param>
    /// <returns>Where groups and jobs of leaders are added. Called again, it goes on with the same node.</returns>
    /// <remarks>
    /// Settings are checked when the host starts, before anything listens: an
    /// <see cref="OptionsValidationException"/> names every setting at fault and what it may be. Services stop in the
    /// reverse order: those that use a group when they stop are added after this call.
    /// </remarks>
    public static MosaikBuilder AddMosaik(
        this IServiceCollection services,
        Action<MosaikOptions>? configure = null
    ) => Add(services, null, configure);

    /// <summary>Adds this process's node, set up by a section of one's choice and then by code.</summary>
    /// <param name="services">The services of one host; a host has one node.</param>
    /// <param name="section">What stands for section <c>Mosaik</c>; messages name its settings by their full path.</param>
    /// <param name="configure">Runs after the configuration was read, so what it sets is what counts.</param>
    /// <returns>Where groups and jobs of leaders are added.</returns>
    public static MosaikBuilder AddMosaik(
        this IServiceCollection services,
        IConfiguration section,
        Action<MosaikOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(section);
        return Add(services, section, configure);
    }

    private static MosaikBuilder Add(
        IServiceCollection services,
        IConfiguration? section,
        Action<MosaikOptions>? configure
    )
    {
        ArgumentNullException.ThrowIfNull(services);
        var catalog = GroupCatalog.Of(services);
        if (catalog is null)
        {
            catalog = new GroupCatalog();
            services.AddSingleton(catalog);
            services.TryAddSingleton(TimeProvider.System);
            services.AddSingleton<IConfigureOptions<MosaikOptions>, NodeSettings>();
            services.AddSingleton<IValidateOptions<MosaikOptions>, NodeRules>();
            services.AddSingleton<IConfigureOptions<MosaikGroupOptions>, GroupSettings>();
            services.AddSingleton<IValidateOptions<MosaikGroupOptions>, GroupRules>();
            services.AddOptions<MosaikOptions>().ValidateOnStart();
            services.AddSingleton<MosaikNode>();
            services.AddSingleton(static provider => provider.GetRequiredService<MosaikNode>().Network);
            services.AddSingleton(static provider => new PrometheusPage(
                provider.GetService<IMeterFactory>(),
                provider.GetRequiredService<GroupCatalog>().FurtherMeters
            ));
            services.AddSingleton<MetricsEndpoint>();
            // Before the node, so that nothing which it counts is missed.
            services.AddHostedService(static provider => provider.GetRequiredService<MetricsEndpoint>());
            services.AddHostedService(static provider => provider.GetRequiredService<MosaikNode>());
        }

        catalog.Section = section ?? catalog.Section;
        if (configure is not null)
        {
            services.Configure(configure);
        }

        return new MosaikBuilder(services, catalog);
    }
}
