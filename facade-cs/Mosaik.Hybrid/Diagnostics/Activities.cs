using System.Diagnostics;

namespace Mosaik.Hybrid.Diagnostics;

/// <summary>Spans around calls. Names and tags are stable: docs/telemetry.md.</summary>
internal static class Activities
{
    /// <summary>Where spans come from.</summary>
    public static readonly ActivitySource Source = new(MosaikTelemetry.ActivitySourceName);

    /// <summary>Begins the span of a call; null while nobody listens.</summary>
    public static Activity? Begin(string name, GroupMeter meter)
    {
        var activity = Source.StartActivity(name, ActivityKind.Client);
        activity?.SetTag("mosaik.network", meter.Network);
        activity?.SetTag("mosaik.group", meter.Group);
        return activity;
    }

    /// <summary>The call has failed.</summary>
    public static void Fail(this Activity? activity, Exception exception, string outcome)
    {
        activity?.SetStatus(ActivityStatusCode.Error, outcome);
        activity?.SetTag("error.type", exception.GetType().FullName);
    }
}
