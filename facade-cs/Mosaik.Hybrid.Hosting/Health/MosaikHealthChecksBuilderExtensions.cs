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
    /// <remarks>
    /// <para>Live is unhealthy when a group has ended on this node by a failure; a restart is then called for.</para>
    /// <para>
    /// Ready is unhealthy when the host has not joined a group yet, when this node does not belong to it yet, when it
    /// knows no leader or lacks entries that the leader has, or reaches fewer voters than decide. It is degraded when one
    /// more lost voter would stop the group. The description says which, a sentence for each group.
    /// </para>
    /// </remarks>
    public static IHealthChecksBuilder AddMosaik(this IHealthChecksBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (GroupCatalog.Of(builder.Services) is null)
        {
            throw new InvalidOperationException(
                "There is no node to look at; call services.AddMosaik() first."
            );
        }

        return builder
            .Add(Registration("mosaik-live", Live, GroupHealth.Live))
            .Add(Registration("mosaik-ready", Ready, GroupHealth.Ready));
    }

    private static HealthCheckRegistration Registration(
        string name,
        string tag,
        Func<HostedGroup, GroupHealth> look
    ) => new(name, provider => new MosaikHealthCheck(provider, look), HealthStatus.Unhealthy, [tag]);
}
