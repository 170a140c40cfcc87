using System.Diagnostics;
using System.Globalization;
using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid.Churn;

/// <summary>A child process: one node with clients of its own, which tells on standard output all that they do.</summary>
/// <remarks>
/// <c>call ID KEY ELEMENT TICKS</c> before an append (a read has the element <c>-</c>), then <c>ok ID TICKS</c>,
/// <c>read ID TICKS ELEMENTS</c> or <c>no ID</c>; nothing when the outcome stays unknown. Ticks are of the machine's
/// monotonic clock, so those of several processes compare.
/// </remarks>
internal sealed class ChurnNode(Group<Append, string, string[]> group, string name)
{
    /// <summary>The first argument of a child.</summary>
    public const string Verb = "node";

    /// <summary>What stands for the element of a read.</summary>
    public const string NoElement = "-";

    private const int Clients = 2;
    private const int KeysAtOnce = 8;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan s_keyLife = TimeSpan.FromSeconds(2);
    private readonly CancellationTokenSource _stop = new();
    private long _lastId;

    /// <summary>Runs until it is told to leave, or its parent is gone.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var (key, name, directory, storage) = (GroupKey.Parse(args[0]), args[1], args[2], args[3]);
        Directory.CreateDirectory(directory);
        await using var network = await Network
            .Builder("churn")
            .ListenOn("127.0.0.1:0")
            .WithIdentityFile(Path.Combine(directory, "identity.pem"))
            .WithBootstrapPeers(args[4..])
            .StartAsync();
        await using var group = network
            .Groups.WithKey(key)
            .WithSnapshots(SnapshotOptions.Default with { EveryEntries = 4_000, EntriesKept = 500 })
            .WithStateMachine(new ListMachine())
            .WithConsensusConfig(Config)
            .WithLogStorage(
                storage == "file"
                    ? new FileLogStore(
                        Path.Combine(directory, "log"),
                        new FileLogOptions { SegmentBytes = 4 << 20 }
                    )
                    : new InMemoryLogStore()
            )
            .Join();
        Say($"address {network.Addresses[0]} {network.LocalPeer}");
        var node = new ChurnNode(group, name);
        var clients = Enumerable
            .Range(0, Clients)
            .Select(client => Task.Run(() => node.WorkAsync(client)))
            .ToArray();
        while (await Console.In.ReadLineAsync() is { } line && line != "leave")
        {
            await node.ObeyAsync(line, clients);
        }

        await node._stop.CancelAsync();
        await Task.WhenAll(clients);
        await group.DisposeAsync();
        Say("left");
        return 0;
    }

    private static ConsensusConfig Config { get; } =
        ConsensusConfig
            .Builder()
            .WithHeartbeatInterval(TimeSpan.FromMilliseconds(200))
            .WithHeartbeatJitter(TimeSpan.FromMilliseconds(50))
            .WithMaxMissedHeartbeats(25)
            .WithElectionTimeout(TimeSpan.FromSeconds(1))
            .WithBootstrapDelay(TimeSpan.FromSeconds(1))
            .WithRemovalDelay(TimeSpan.FromSeconds(10))
            .WithFoundingMembers(3)
            .Build();

    private static void Say(string line) => Console.Out.WriteLine(line);

    private async Task ObeyAsync(string line, Task[] clients)
    {
        switch (line)
        {
            case "status":
                var status = await group.GetStatusAsync();
                var voters = status.Members.Where(static member => member.Role == MemberRole.Voter).ToArray();
                var isWhole =
                    status
                        is { IsComplete: true, CanProgress: true, IsOnline: true, Configuration.Outgoing: [] }
                    && voters.All(static voter => voter.IsReachable && voter.IsCaughtUp == true);
                Say(
                    $"status {isWhole} {voters.Length} {status.Leader?.Peer.ToString() ?? "-"} {status.Explanation}"
                );
                break;
            case "stop":
                await _stop.CancelAsync();
                await Task.WhenAll(clients);
                Say("stopped");
                break;
            case "digest":
                var answer = await group.QueryAsync(ListMachine.Digest, Consistency.Weak);
                Say($"digest {answer.Position.Index} {answer.Result[0]}");
                break;
            default:
                throw new InvalidOperationException($"Nobody here knows '{line}'.");
        }
    }

    private async Task WorkAsync(int client)
    {
        try
        {
            for (var round = 0; !_stop.IsCancellationRequested; round++)
            {
                await group.When.LeaderElected(_stop.Token);
                var life = Stopwatch.GetTimestamp() / (long)(s_keyLife.TotalSeconds * Stopwatch.Frequency);
                var key = string.Create(
                    CultureInfo.InvariantCulture,
                    $"{life}.{(client + round) % KeysAtOnce}"
                );
                if ((round / KeysAtOnce % 2) == 0)
                {
                    await AppendAsync(key, $"{name}.{client}.{round}");
                }
                else
                {
                    await ReadAsync(key);
                }

                await Task.Delay(s_pause, TimeProvider.System, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Told to stop, between two operations.
        }
    }

    private async Task AppendAsync(string key, string element)
    {
        var id = Call(key, element);
        try
        {
            await group.ExecuteAsync(new Append(key, element));
            Say(string.Create(CultureInfo.InvariantCulture, $"ok {id} {Stopwatch.GetTimestamp()}"));
        }
        catch (Exception exception) when (exception is GroupOfflineException or GroupOverloadedException)
        {
            Say($"no {id}");
        }
        catch (OutcomeUnknownException)
        {
            // It stays open in the history: it may take effect at any time, or never.
        }
    }

    private async Task ReadAsync(string key)
    {
        var id = Call(key, NoElement);
        try
        {
            var answer = await group.QueryAsync(key, Consistency.Strong);
            var elements = string.Join(',', answer.Result);
            Say(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"read {id} {Stopwatch.GetTimestamp()} {elements}"
                )
            );
        }
        catch (Exception exception)
            when (exception is QueryFailedException or GroupOfflineException or GroupOverloadedException)
        {
            Say($"no {id}");
        }
    }

    private long Call(string key, string element)
    {
        var id = Interlocked.Increment(ref _lastId);
        Say(
            string.Create(
                CultureInfo.InvariantCulture,
                $"call {id} {key} {element} {Stopwatch.GetTimestamp()}"
            )
        );
        return id;
    }
}
