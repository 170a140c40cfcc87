using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Mosaik.Hybrid.Hosting.Runtime;

namespace Mosaik.Hybrid.Hosting.Health;

/// <summary>Looks at all groups of a host: as healthy as the worst of them.</summary>
internal sealed class MosaikHealthCheck(
    IServiceProvider services,
    Func<HostedGroup, CancellationToken, Task<GroupHealth>> look
) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        var groups = services.GetRequiredService<GroupCatalog>().Groups;
        var looks = await Task.WhenAll(
                groups.Select(group =>
                    look(services.GetRequiredKeyedService<HostedGroup>(group.Name), cancellationToken)
                )
            )
            .ConfigureAwait(false);
        var worst = looks.Select(static health => health.Status).DefaultIfEmpty(HealthStatus.Healthy).Min();
        var status = worst == HealthStatus.Unhealthy ? context.Registration.FailureStatus : worst;
        var told = looks.Where(health => health.Status == worst).Select(static health => health.Sentence);
        return new HealthCheckResult(
            status,
            groups.Count == 0 ? "There are no groups." : string.Join(" ", told)
        );
    }
}
