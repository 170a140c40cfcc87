using System.Buffers;
using System.Diagnostics;
using System.Globalization;

namespace Mosaik.Hybrid.Benchmarks;

/// <summary>A child process: one node of a group, told on standard input what to do, answering on standard output.</summary>
internal static class BenchNode
{
    public const string Verb = "node";

    public static async Task<int> RunAsync(string[] args)
    {
        var key = GroupKey.Parse(args[0]);
        var isFast = args[1] == "fast";
        var builder = Network.Builder("benchmarks").ListenOn("127.0.0.1:0");
        if (args.Length > 4)
        {
            builder.WithBootstrapPeers(args[4]);
        }

        await using var network = await builder.StartAsync();
        var config = ConsensusConfig.Builder().WithFoundingMembers(3);
        if (isFast)
        {
            config = config
                .WithHeartbeatInterval(TimeSpan.FromMilliseconds(50))
                .WithHeartbeatJitter(TimeSpan.FromMilliseconds(15))
                .WithElectionTimeout(TimeSpan.FromMilliseconds(200))
                .WithElectionTimeoutJitter(TimeSpan.FromMilliseconds(200))
                .WithBootstrapDelay(TimeSpan.FromMilliseconds(300));
        }

        await using var group = network
            .Groups.WithKey(key)
            .WithStateMachine(new CountingMachine())
            .WithCommandCodec(new RawCommandCodec())
            .WithConsensusConfig(config.Build())
            .WithLogStorage(BenchStore.Create(args[2], args[3]))
            .Join();
        Say($"address {network.Addresses[0]}");
        await group.When.Online();
        Say("online");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            await ObeyAsync(group, line.Split(' '));
        }

        return 0;
    }

    private static async Task ObeyAsync(Group<ReadOnlyMemory<byte>, NoOpQuery, long> group, string[] words)
    {
        switch (words)
        {
            case ["role"]:
                Say(group.IsLeader ? "role leader" : "role follower");
                break;
            case ["load", var inFlight, var bytes, var milliseconds]:
                Say(await LoadAsync(group, Number(inFlight), Number(bytes), Number(milliseconds)));
                break;
            case ["reads", var inFlight, var milliseconds]:
                Say(await ReadsAsync(group, Number(inFlight), Number(milliseconds)));
                break;
            case ["leave"]:
                await group.DisposeAsync();
                Say("left");
                break;
            case ["probe"]:
                _ = Task.Run(() => ProbeAsync(group));
                break;
            default:
                Say($"error unknown {string.Join(' ', words)}");
                break;
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static void Say(string line) => Console.Out.WriteLine(line);

    private static Task<string> LoadAsync(
        Group<ReadOnlyMemory<byte>, NoOpQuery, long> group,
        int inFlight,
        int bytes,
        int milliseconds
    )
    {
        ReadOnlyMemory<byte> payload = new byte[bytes];
        return RepeatAsync(inFlight, milliseconds, () => group.ExecuteAsync(payload));
    }

    private static Task<string> ReadsAsync(
        Group<ReadOnlyMemory<byte>, NoOpQuery, long> group,
        int inFlight,
        int milliseconds
    ) => RepeatAsync(inFlight, milliseconds, () => group.QueryAsync(default, Consistency.Strong));

    private static async Task<string> RepeatAsync(int inFlight, int milliseconds, Func<Task> action)
    {
        var process = Process.GetCurrentProcess();
        var latencies = new List<long>[inFlight];
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(
            Enumerable
                .Range(0, inFlight)
                .Select(async worker =>
                {
                    var own = latencies[worker] = [];
                    while (watch.ElapsedMilliseconds < milliseconds)
                    {
                        var start = Stopwatch.GetTimestamp();
                        await action();
                        own.Add(Stopwatch.GetTimestamp() - start);
                    }
                })
        );
        var seconds = watch.Elapsed.TotalSeconds;
        var all = latencies.SelectMany(static own => own).Order().ToArray();
        var rate = all.Length / seconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"done {rate:F0} {Micro(all, 0.5):F0} {Micro(all, 0.99):F0}"
        );
    }

    private static double Micro(long[] sorted, double quantile) =>
        sorted.Length == 0 ? 0 : sorted[(int)((sorted.Length - 1) * quantile)] * 1e6 / Stopwatch.Frequency;

    /// <summary>Writes one command after the other for ever, and says when each was submitted and acknowledged.</summary>
    private static async Task ProbeAsync(Group<ReadOnlyMemory<byte>, NoOpQuery, long> group)
    {
        ReadOnlyMemory<byte> payload = new byte[64];
        while (true)
        {
            var submitted = Stopwatch.GetTimestamp();
            try
            {
                await group.ExecuteAsync(payload);
                Say(
                    string.Create(CultureInfo.InvariantCulture, $"ack {submitted} {Stopwatch.GetTimestamp()}")
                );
            }
            catch (GroupOfflineException)
            {
                await group.When.LeaderElected();
            }
            catch (OutcomeUnknownException exception)
            {
                await Console.Error.WriteLineAsync(
                    $"{exception.Message} leader {group.Leader?.Short} online {group.IsOnline} term {group.Term}"
                );
            }
        }
    }

    private sealed class CountingMachine : IStateMachine<ReadOnlyMemory<byte>, NoOpQuery, long>
    {
        private long _count;

        public string Signature => "mosaik.benchmark/1";

        public void Apply(ReadOnlyMemory<byte> command, in ApplyContext context) => _count++;

        public long Query(NoOpQuery query) => _count;
    }
}
