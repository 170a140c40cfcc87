using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Mosaik.Hybrid.Hosting.Metrics;
using Mosaik.Hybrid.Hosting.Tests.Support;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Hosting.Tests;

/// <summary>The page is what Prometheus reads, it is bounded, and the endpoint answers nobody else.</summary>
public sealed partial class PrometheusTests
{
    private readonly Meter _meter = new("test." + Guid.NewGuid().ToString("N"));

    [Fact]
    public void EveryKindHasItsForm()
    {
        using var page = new PrometheusPage(null, [_meter.Name]);
        _meter.CreateCounter<long>("jobs", "{job}", "Jobs\nthat \\ ran").Add(2, Tag("kind", "a\"b\\c\nd"));
        _meter.CreateUpDownCounter<int>("queue.length").Add(3);
        _meter.CreateUpDownCounter<int>("queue.length").Add(-1);
        _meter.CreateGauge<double>("load", "1").Record(0.25);
        _meter.CreateObservableGauge("free", () => 7L, "By");
        _meter.CreateObservableCounter("io", () => 9L, "By");
        var waits = _meter.CreateHistogram(
            "wait",
            "s",
            "Waits",
            null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] }
        );
        waits.Record(0.1, Tag("kind", "x"));
        waits.Record(0.5, Tag("kind", "x"));
        waits.Record(2, Tag("kind", "x"));

        Assert.Equal(
            """
            # HELP free_bytes 
            # TYPE free_bytes gauge
            free_bytes 7
            # HELP io_bytes_total 
            # TYPE io_bytes_total counter
            io_bytes_total 9
            # HELP jobs_total Jobs\nthat \\ ran
            # TYPE jobs_total counter
            jobs_total{kind="a\"b\\c\nd"} 2
            # HELP load 
            # TYPE load gauge
            load 0.25
            # HELP queue_length 
            # TYPE queue_length gauge
            queue_length 2
            # HELP wait_seconds Waits
            # TYPE wait_seconds histogram
            wait_seconds_bucket{kind="x",le="0.1"} 1
            wait_seconds_bucket{kind="x",le="1"} 2
            wait_seconds_bucket{kind="x",le="+Inf"} 3
            wait_seconds_sum{kind="x"} 2.6
            wait_seconds_count{kind="x"} 3

            """.ReplaceLineEndings("\n"),
            OwnPart(page)
        );
    }

    [Fact]
    public void WhatIsObservedIsReadAnewForEachPage()
    {
        using var page = new PrometheusPage(null, [_meter.Name]);
        List<Measurement<long>> told = [new(1, Tag("kind", "a")), new(5, Tag("kind", "b"))];
        _meter.CreateObservableCounter("seen", () => told);
        Assert.Contains("seen_total{kind=\"b\"} 5\n", page.Render(), StringComparison.Ordinal);
        told = [new(2, Tag("kind", "a"))];
        Assert.Contains("seen_total{kind=\"a\"} 2\n", page.Render(), StringComparison.Ordinal);
        Assert.DoesNotContain("kind=\"b\"", page.Render(), StringComparison.Ordinal);
    }

    [Fact]
    public void TagsInAnotherOrderAreTheSameSeries()
    {
        using var page = new PrometheusPage(null, [_meter.Name]);
        var counter = _meter.CreateCounter<long>("both");
        counter.Add(1, Tag("a", 1), Tag("b", 2));
        counter.Add(1, Tag("b", 2), Tag("a", 1));
        Assert.Contains("both_total{a=\"1\",b=\"2\"} 2\n", page.Render(), StringComparison.Ordinal);
    }

    [Fact]
    public void SeriesAreBounded_AndWhatIsDroppedIsCounted()
    {
        using var page = new PrometheusPage(null, [_meter.Name]);
        var counter = _meter.CreateCounter<long>("many");
        for (var number = 0; number < InstrumentSeries.SeriesMax + 5; number++)
        {
            counter.Add(1, Tag("number", number));
        }

        var text = page.Render();
        Assert.Equal(InstrumentSeries.SeriesMax, Regex.Count(text, "^many_total{", RegexOptions.Multiline));
        Assert.Contains("mosaik_prometheus_measurements_dropped_total 5\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void AMeterThatEndsLeavesThePage()
    {
        using var page = new PrometheusPage(null, [_meter.Name]);
        _meter.CreateCounter<long>("gone").Add(1);
        _meter.Dispose();
        Assert.DoesNotContain("gone", page.Render(), StringComparison.Ordinal);
    }

    [Fact]
    public void NothingIsLostWhenManyMeasureAtOnce()
    {
        using var page = new PrometheusPage(null, [_meter.Name]);
        var counter = _meter.CreateCounter<long>("raced");
        var histogram = _meter.CreateHistogram<double>("timed");
        Parallel.For(
            0,
            8,
            worker =>
            {
                for (var round = 0; round < 5_000; round++)
                {
                    counter.Add(1, Tag("worker", worker % 2));
                    histogram.Record(round);
                }
            }
        );
        var text = page.Render();
        Assert.Contains("raced_total{worker=\"0\"} 20000\n", text, StringComparison.Ordinal);
        Assert.Contains("raced_total{worker=\"1\"} 20000\n", text, StringComparison.Ordinal);
        Assert.Contains("timed_count 40000\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHostShowsItsOwnGroups_AndNobodyElses()
    {
        await using var hosts = new TestHosts(2);
        var settings = new Dictionary<string, string?> { ["Mosaik:MetricsAddress"] = "127.0.0.1:0" };
        await hosts.StartAsync(settings: settings);
        await hosts.StartAsync(settings: settings);
        var group = TestHosts.GroupOf(hosts.All[0]);
        await group.When.Online().Soon("the host is online");
        await group.ExecuteAsync(1).Soon("the command takes effect");

        using var client = new HttpClient();
        var answer = await client.GetAsync(PageOf(hosts, 0)).Soon("the page");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(PrometheusPage.ContentType, answer.Content.Headers.ContentType?.ToString());
        var tags = $"mosaik_group=\"{group.Id.Short}\",mosaik_network=\"test\"";
        Assert.Contains($"mosaik_group_bonds{{{tags}}} 1\n", text, StringComparison.Ordinal);
        Assert.Contains(
            $"mosaik_group_commands_total{{{tags},mosaik_outcome=\"ok\"}} 1\n",
            text,
            StringComparison.Ordinal
        );
        Assert.All(
            text.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            static line => Assert.Matches(PageLine(), line)
        );
        // The other host executed nothing.
        var other = await client.GetStringAsync(PageOf(hosts, 1)).Soon("the other page");
        Assert.DoesNotContain("mosaik_group_commands_total{", other, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /other HTTP/1.1\r\n\r\n", "HTTP/1.1 404")]
    [InlineData("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405")]
    [InlineData("nonsense\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("GET /metrics HTTP/1.1\r\n", "HTTP/1.1 400")]
    [InlineData(null, "HTTP/1.1 400")]
    public async Task OtherRequestsAreRefused(string? request, string status)
    {
        await using var hosts = new TestHosts();
        await hosts.StartAsync(
            settings: new Dictionary<string, string?> { ["Mosaik:MetricsAddress"] = "127.0.0.1:0" }
        );
        using var client = new TcpClient();
        await client.ConnectAsync(AddressOf(hosts, 0));
        var stream = client.GetStream();
        // As long as a request may be, and no end in sight.
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request ?? new string('x', 8 * 1024)));
        client.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync().Soon("an answer");
        Assert.StartsWith(status, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OnlyAFewConnectionsAreServedAtOnce_AndAHostStopsAllTheSame()
    {
        await using var hosts = new TestHosts();
        await hosts.StartAsync(
            settings: new Dictionary<string, string?> { ["Mosaik:MetricsAddress"] = "127.0.0.1:0" }
        );
        var silent = Enumerable.Range(0, 20).Select(static _ => new TcpClient()).ToArray();
        foreach (var client in silent)
        {
            await client.ConnectAsync(AddressOf(hosts, 0));
        }

        await hosts.StopAsync(hosts.All[0]);
        foreach (var client in silent)
        {
            client.Dispose();
        }
    }

    [Fact]
    public async Task ThePageCountsFromTheStart_WhenItIsAskedForByCode()
    {
        await using var hosts = new TestHosts();
        var host = await hosts.StartAsync(static mosaik => mosaik.AddPrometheus("System.Runtime"));
        await TestHosts.GroupOf(host).When.Online().Soon("the host is online");
        var text = host.Services.GetRequiredService<PrometheusPage>().Render();
        Assert.Contains("mosaik_group_elections_total{", text, StringComparison.Ordinal);
        Assert.Contains("dotnet_process_cpu_count", text, StringComparison.Ordinal);
    }

    [GeneratedRegex(
        """\A(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+({([a-z_]+="[^"]*",?)+})? ([-+0-9.Ee]+|\+Inf|NaN))\z"""
    )]
    private static partial Regex PageLine();

    private static IPEndPoint AddressOf(TestHosts hosts, int place) =>
        hosts.All[place].Services.GetRequiredService<MetricsEndpoint>().Address!;

    private static Uri PageOf(TestHosts hosts, int place) => new($"http://{AddressOf(hosts, place)}/metrics");

    private static KeyValuePair<string, object?> Tag(string name, object? value) => new(name, value);

    /// <summary>The page without what other tests of this process measure.</summary>
    private static string OwnPart(PrometheusPage page) =>
        string.Concat(
            page.Render()
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(static line => !line.Contains("mosaik_", StringComparison.Ordinal))
                .Select(static line => line + "\n")
        );
}
