using KeyValueService;
using Mosaik.Hybrid;
using Mosaik.Hybrid.Hosting;

var builder = WebApplication.CreateBuilder(args);
builder
    .Services.AddMosaik()
    .AddPrometheus()
    .AddGroup(
        "map",
        static _ => new KeyValueMap(),
        static map => map.UseSnapshots(SnapshotOptions.Default with { EveryEntries = 10_000 })
    );
builder.Services.AddHealthChecks().AddMosaik();
builder.AddOtlp();

var app = builder.Build();
app.MapKeyValues();
app.MapHealthChecks("/live", new() { Predicate = static check => check.Tags.Contains("live") });
app.MapHealthChecks("/ready", new() { Predicate = static check => check.Tags.Contains("ready") });
app.MapGet(
    "/metrics",
    static (PrometheusPage page) => Results.Text(page.Render(), PrometheusPage.ContentType)
);
await app.RunAsync();
