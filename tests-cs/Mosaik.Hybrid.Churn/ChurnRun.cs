using System.Diagnostics;
using System.Globalization;
using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Churn;

/// <summary>What a run does, and for how long.</summary>
/// <param name="Nodes">How many processes there are at most; at least 4.</param>
/// <param name="Duration">How long they come and go.</param>
/// <param name="Seed">Decides who does what; not when, which the machine decides.</param>
/// <param name="Directory">Where the nodes keep identities and logs; removed by the caller.</param>
internal sealed record ChurnOptions(int Nodes, TimeSpan Duration, ulong Seed, string Directory);

/// <summary>Processes that join, leave, are killed and come back under load, one event after the other.</summary>
/// <remarks>
/// Half of the nodes keep their logs in memory, so an event waits until the group is whole again: else the loss of more
/// voters than a group can bear would be the run's fault and not the library's.
/// </remarks>
internal sealed class ChurnRun(ChurnOptions options, TextWriter output)
{
    private static readonly TimeSpan s_healing = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    private readonly string _key = GroupKey.Generate().Export();
    private readonly ChurnHistory _history = new();
    private readonly Dice _dice = new(options.Seed);
    private readonly ChurnProcess?[] _slots = new ChurnProcess?[options.Nodes];
    private readonly SortedDictionary<string, int> _events = new(StringComparer.Ordinal);
    private int _starts;

    /// <summary>Runs, checks, and says what it found.</summary>
    /// <returns>True when the history is linearizable and all digests are equal.</returns>
    public async Task<bool> RunAsync()
    {
        try
        {
            for (var slot = 0; slot < options.Nodes; slot++)
            {
                await StartAsync(slot);
            }

            await HealAsync();
            await ChurnAsync();
            await HealAsync();
            await EqualDigestsAsync();
        }
        catch (ChurnException exception)
        {
            await output.WriteLineAsync($"FAILED {exception.Message}");
            return false;
        }
        finally
        {
            foreach (var process in Running())
            {
                await process.DisposeAsync();
            }
        }

        return Judge();
    }

    private IEnumerable<ChurnProcess> Running() => _slots.OfType<ChurnProcess>();

    private async Task ChurnAsync()
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < options.Duration)
        {
            var slot = _dice.Below(options.Nodes);
            var name =
                _slots[slot] is null ? await ComeBackAsync(slot)
                : _dice.Below(3) == 0 && Running().Count() > 4 ? await LeaveAsync(slot)
                : await KillAsync(_dice.Below(2) == 0 ? await LeaderAsync() ?? slot : slot);
            _events[name] = _events.GetValueOrDefault(name) + 1;
            await output.WriteLineAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{watch.Elapsed.TotalSeconds, 6:F1} s  {name}, {Running().Count()} run, {_history.Count} operations"
                )
            );
            await HealAsync();
        }
    }

    private async Task<string> ComeBackAsync(int slot)
    {
        var log = Path.Combine(PlaceOf(slot), "log");
        var isWiped = _dice.Below(4) == 0 && Directory.Exists(log);
        if (isWiped)
        {
            Directory.Delete(log, recursive: true);
        }

        await StartAsync(slot);
        return isWiped ? "a node joins with an empty disk" : "a node joins";
    }

    private async Task<string> LeaveAsync(int slot)
    {
        var process = _slots[slot]!;
        await process.LeaveAsync();
        await process.DisposeAsync();
        _slots[slot] = null;
        return "a node leaves";
    }

    /// <summary>SIGKILL, and the next life of the same peer right after: the committee has lost nobody for good.</summary>
    private async Task<string> KillAsync(int slot)
    {
        var process = _slots[slot]!;
        var isLeader = await LeaderAsync() == slot;
        await process.KillAsync();
        await process.DisposeAsync();
        _slots[slot] = null;
        await Task.Delay(
            TimeSpan.FromMilliseconds(_dice.Below(1_500)),
            TimeProvider.System,
            CancellationToken.None
        );
        await StartAsync(slot);
        return isLeader ? "the leader is killed" : "a node is killed";
    }

    private async Task StartAsync(int slot)
    {
        var number = ++_starts;
        string[] arguments =
        [
            _key,
            number.ToString(CultureInfo.InvariantCulture),
            PlaceOf(slot),
            slot % 2 == 0 ? "memory" : "file",
            .. Running().Select(static process => process.Address),
        ];
        _slots[slot] = await ChurnProcess.StartAsync(number, _history, arguments);
    }

    private string PlaceOf(int slot) =>
        Path.Combine(options.Directory, slot.ToString(CultureInfo.InvariantCulture));

    /// <summary>The slot of the leader, if anybody knows it.</summary>
    private async Task<int?> LeaderAsync()
    {
        var status = await Running().First().AskAsync("status", "status");
        var slot = Array.FindIndex(_slots, process => process?.Peer == status[3]);
        return slot < 0 ? null : slot;
    }

    /// <summary>Waits until every node says that all voters are within reach and in step, and there are enough.</summary>
    private async Task HealAsync()
    {
        var watch = Stopwatch.StartNew();
        var wanted = Math.Min(ConsensusConfig.Default.MaxVoters, Running().Count());
        foreach (var process in Running().ToArray())
        {
            while (true)
            {
                var status = await process.AskAsync("status", "status");
                if (
                    status[1] == bool.TrueString
                    && int.Parse(status[2], CultureInfo.InvariantCulture) >= wanted
                )
                {
                    break;
                }

                if (watch.Elapsed > s_healing)
                {
                    throw new ChurnException($"The group did not heal: {string.Join(' ', status)}");
                }

                await Task.Delay(s_pause, TimeProvider.System, CancellationToken.None);
            }
        }
    }

    private async Task EqualDigestsAsync()
    {
        foreach (var process in Running())
        {
            await process.AskAsync("stop", "stopped");
        }

        var watch = Stopwatch.StartNew();
        while (true)
        {
            var digests = new List<string>();
            foreach (var process in Running())
            {
                digests.Add(string.Join(' ', await process.AskAsync("digest", "digest")));
            }

            var indexes = digests.Select(static digest => digest.Split(' ')[1]).Distinct().Count();
            if (indexes == 1 && digests.Distinct().Count() == 1)
            {
                await output.WriteLineAsync($"{digests.Count} equal digests: {digests[0]}");
                return;
            }

            if (indexes == 1 || watch.Elapsed > s_healing)
            {
                throw new ChurnException($"Digests differ:\n{string.Join('\n', digests)}");
            }

            await Task.Delay(s_pause, TimeProvider.System, CancellationToken.None);
        }
    }

    private bool Judge()
    {
        var fault = _history.Check();
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{_history.Count} operations; {string.Join(", ", _events.Select(static one => $"{one.Key}: {one.Value}"))}"
            )
        );
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"longest time without an acknowledged append: {_history.LongestPause().TotalMilliseconds:F0} ms"
            )
        );
        output.WriteLine(fault is null ? "linearizable" : $"FAILED {fault}");
        return fault is null;
    }
}
