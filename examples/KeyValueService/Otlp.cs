using Mosaik.Hybrid;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace KeyValueService;

/// <summary>Metrics and spans to a collector that speaks OTLP, when the environment names one.</summary>
public static class Otlp
{
    /// <summary>Exports to <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> from the start of the host to its end.</summary>
    public static void AddOtlp(this IHostApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            return;
        }

        builder.Services.AddHostedService<Exporters>();
    }

    private sealed class Exporters : IHostedService
    {
        private MeterProvider? _metrics;
        private TracerProvider? _traces;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            _metrics = Sdk.CreateMeterProviderBuilder()
                .ConfigureResource(static resource => resource.AddService("key-value-service"))
                .AddMeter(MosaikTelemetry.MeterName)
                .AddOtlpExporter()
                .Build();
            _traces = Sdk.CreateTracerProviderBuilder()
                .ConfigureResource(static resource => resource.AddService("key-value-service"))
                .AddSource(MosaikTelemetry.ActivitySourceName)
                .AddOtlpExporter()
                .Build();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            // What waits to be sent is sent now.
            _metrics?.Dispose();
            _traces?.Dispose();
            return Task.CompletedTask;
        }
    }
}
