using LeaderJobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Mosaik.Hybrid.Hosting;

var builder = Host.CreateApplicationBuilder(args);
var path =
    builder.Configuration["Outbox"]
    ?? throw new InvalidOperationException("Outbox is missing: the path of the file that reports go to.");
builder.Services.AddSingleton(provider => new Outbox(path, provider.GetRequiredService<TimeProvider>()));
builder
    .Services.AddMosaik()
    .AddGroup("schedule", static _ => new Schedule())
    .AddLeaderService<SendReports>("schedule");
await builder.Build().RunAsync();
