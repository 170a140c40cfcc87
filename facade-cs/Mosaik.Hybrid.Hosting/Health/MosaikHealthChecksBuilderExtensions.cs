using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Mosaik.Hybrid.Hosting.Health;
using Mosaik.Hybrid.Hosting.Runtime;

namespace Mosaik.Hybrid.Hosting;

/// <summary>Health checks of a host's groups.</summary>
public static class MosaikHealthChecksBuilderExtensions
{
    /// <summary>The tag of the check that says whether the process should be restarted.</summary>
    public const string Live = "live";

    /// <summary>The tag of the check that says whether the node can work.</summary>
    public const string Ready = "ready";

    /// <summary>
    /// Adds two checks over all groups of the host: <c>mosaik-live</c>, tag <c>live</c>, and <c>mosaik-ready</c>, tag
    /// <c>ready</c>.
    /// </summary>
    /// <param name="builder">From <c>services.AddHealthChecks()</c>; <c>AddMosaik</c> was called before.</param>
    /// <param name="configure">Where to draw the lines.</param>
    /// <remarks>
    /// <para>
    /// Live is unhealthy when a group has ended on this node by a failure, or when its loop does not turn; a restart is
    /// then called for. A group whose store is still being opened is live.
    /// </para>
    /// <para>
    /// Ready is unhealthy when the host has not joined a group yet, when this node's disk makes no progress, when this
    /// node does not belong to the group yet, when it knows no leader or lacks entries that the leader has, when its
    /// machine lags behind, or when it reaches fewer voters than decide. It is degraded when one more lost voter would stop
    /// the group, when other lineages of it live, or when there is little room for the log. The description says which, a sentence for each group.
    /// </para>
    /// </remarks>
    /// <exception cref="InvalidOperationException"><c>AddMosaik</c> was not called on the services before.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is set to what it can't be.</exception>
    public static IHealthChecksBuilder AddMosaik(
        this IHealthChecksBuilder builder,
        Action<MosaikHealthOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new MosaikHealthOptions();
        configure?.Invoke(options);
        if (GroupCatalog.Of(builder.Services) is null)
        {
            throw new InvalidOperationException(
                "There is no node to look at; call services.AddMosaik() first."
            );
        }

        return builder
            .Add(
                Registration(
                    "mosaik-live",
                    Live,
                    (group, cancel) => GroupHealth.LiveAsync(group, options, cancel)
                )
            )
            .Add(
                Registration(
                    "mosaik-ready",
                    Ready,
                    (group, cancel) => GroupHealth.ReadyAsync(group, options, cancel)
                )
            );
    }

    private static HealthCheckRegistration Registration(
        string name,
        string tag,
        Func<HostedGroup, CancellationToken, Task<GroupHealth>> look
    ) => new(name, provider => new MosaikHealthCheck(provider, look), HealthStatus.Unhealthy, [tag]);
}
