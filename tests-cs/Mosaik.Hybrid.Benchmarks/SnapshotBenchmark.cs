using System.Globalization;
using Spectre.Console;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>A large snapshot is taken by one process, sent to another over TLS, and installed there.</summary>
internal static class SnapshotBenchmark
{
    /// <summary>Runs with so many megabytes.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var megabytes = BenchStore.Option(arguments, "--mb") ?? "1024";
        var place = Path.Combine(
            BenchStore.Option(arguments, "--dir") ?? Path.GetTempPath(),
            "mosaik-bench-" + Guid.NewGuid().ToString("N")
        );
        try
        {
            await MeasureAsync(megabytes, place);
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }

        return 0;
    }

    private static async Task MeasureAsync(string megabytes, string place)
    {
        var key = GroupKey.Generate().Export();
        var table = new Table().Title($"A snapshot of {megabytes} MB: file stores, loopback TLS; memory");
        table.AddColumns("what", "seconds", "MB above before", "MB before", "slowest command meanwhile, ms");
        await using var first = NodeProcess.Start(
            SnapshotNode.Verb,
            key,
            megabytes,
            Path.Combine(place, "first")
        );
        var address = (await first.ExpectAsync("address"))[1];
        await first.ExpectAsync("online");
        Add(table, "taken", await first.AskAsync("take", "taken"));
        await using var second = NodeProcess.Start(
            SnapshotNode.Verb,
            key,
            megabytes,
            Path.Combine(place, "second"),
            address
        );
        Add(table, "received and installed", await second.ExpectAsync("online"));
        Add(table, "taken and sent, the same process", await first.AskAsync("report", "memory"));
        AnsiConsole.Write(table);
    }

    private static void Add(Table table, string what, string[] words)
    {
        var seconds = words[1] == "-" ? "" : Number(words[1], "N1");
        table.AddRow(what, seconds, Number(words[2], "N0"), Number(words[3], "N0"), words[4]);
    }

    private static string Number(string text, string format) =>
        double.Parse(text, CultureInfo.InvariantCulture).ToString(format, CultureInfo.InvariantCulture);
}
