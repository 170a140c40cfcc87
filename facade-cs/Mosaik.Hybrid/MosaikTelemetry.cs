namespace Mosaik.Hybrid;

/// <summary>The names under which the library measures and traces. See docs/telemetry.md for what is there.</summary>
public static class MosaikTelemetry
{
    /// <summary>The name of the meter: <c>Mosaik.Hybrid</c>.</summary>
    public const string MeterName = "Mosaik.Hybrid";

    /// <summary>The name of the <see cref="System.Diagnostics.ActivitySource"/>: <c>Mosaik.Hybrid</c>.</summary>
    public const string ActivitySourceName = "Mosaik.Hybrid";
}
