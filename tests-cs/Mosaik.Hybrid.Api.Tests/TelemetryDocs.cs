using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>Operators build on what docs/telemetry.md says: it is what the program does, no more and no less.</summary>
public sealed partial class TelemetryDocs
{
    private static readonly string s_document = File.ReadAllText(Repository.PathOf("docs", "telemetry.md"));

    [Fact]
    public async Task EveryInstrumentIsDocumented_WithItsKindAndUnit()
    {
        using var meters = new TestMeters();
        List<string> published = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, meters))
            {
                published.Add($"{instrument.Name} {KindOf(instrument)} {instrument.Unit}");
                Assert.NotEmpty(instrument.Description ?? "");
            }
        };
        listener.Start();
        var wire = new InProcessNetwork();
        await using var network = await Network
            .Builder("test")
            .WithMeterFactory(meters)
            .WithTransport(identity => wire.CreateTransport(identity))
            .StartAsync();

        var documented = InstrumentRow()
            .Matches(s_document)
            .Select(static row => $"{row.Groups["name"]} {row.Groups["kind"]} {row.Groups["unit"]}");
        Assert.Equal(documented.Order(StringComparer.Ordinal), published.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void UnitsAreThoseOfUcum()
    {
        var units = InstrumentRow().Matches(s_document).Select(static row => row.Groups["unit"].Value);
        Assert.All(units, static unit => Assert.Matches(@"\A(s|By|\{[a-z]+\})\z", unit));
    }

    [Fact]
    public void EveryEventIsDocumented_WithItsLevel_AndHasItsOwnId()
    {
        var written =
            from assembly in Assemblies.Public
            from type in assembly.GetTypes()
            from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            let message = method.GetCustomAttribute<LoggerMessageAttribute>()
            where message is not null
            select string.Create(CultureInfo.InvariantCulture, $"{message.EventId} {message.Level}");
        var documented = EventRow()
            .Matches(s_document)
            .Select(static row => $"{row.Groups["id"]} {row.Groups["level"]}");
        Assert.Equal(documented.Order(StringComparer.Ordinal), written.Order(StringComparer.Ordinal));
        var ids = EventRow().Matches(s_document).Select(static row => row.Groups["id"].Value).ToList();
        Assert.Equal(ids.Distinct(), ids);
    }

    [Fact]
    public void NoEventIsToldASecret()
    {
        var told =
            from assembly in Assemblies.Public
            from type in assembly.GetTypes()
            from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            where method.IsDefined(typeof(LoggerMessageAttribute))
            from parameter in method.GetParameters()
            select $"{type.Name}.{method.Name}: {parameter.ParameterType.Name} {parameter.Name}";
        Assert.NotEmpty(told);
        Assert.DoesNotContain(told, static one => SecretWord().IsMatch(one));
    }

    private static string KindOf(Instrument instrument)
    {
        var type = instrument.GetType().GetGenericTypeDefinition();
        return type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? "counter"
            : type == typeof(UpDownCounter<>) || type == typeof(ObservableUpDownCounter<>) ? "level"
            : type == typeof(Histogram<>) ? "histogram"
            : "gauge";
    }

    [GeneratedRegex(
        @"^\| `(?<name>mosaik\.[a-z._]+)` \| (?<kind>counter|level|gauge|histogram) \| `(?<unit>[^`]+)` \|",
        RegexOptions.Multiline
    )]
    private static partial Regex InstrumentRow();

    [GeneratedRegex(@"^\| (?<id>\d+) \| (?<level>[A-Z][a-z]+) \|", RegexOptions.Multiline)]
    private static partial Regex EventRow();

    [GeneratedRegex("GroupKey|Payload|LogEntry|[Ss]ecret|Command|NodeIdentity|Byte")]
    private static partial Regex SecretWord();

    /// <summary>A factory whose meters nobody else has.</summary>
    private sealed class TestMeters : IMeterFactory
    {
        private readonly List<Meter> _meters = [];

        public Meter Create(MeterOptions options)
        {
            options.Scope = this;
            var meter = new Meter(options);
            _meters.Add(meter);
            return meter;
        }

        public void Dispose() => _meters.ForEach(static meter => meter.Dispose());
    }
}
