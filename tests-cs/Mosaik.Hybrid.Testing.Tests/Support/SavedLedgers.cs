using System.Text.Json;

namespace Mosaik.Hybrid.Testing.Tests.Support;

/// <summary>A ledger that can be saved; right unless a subclass makes it wrong.</summary>
public class SavedLedger : IStateMachine<Deposit, GetBalance, long>, ISnapshotMachine
{
    protected SortedDictionary<int, long> Balances { get; private set; } = [];

    public string Signature => "tests.saved-ledger/1";

    /// <summary>Every account with its balance.</summary>
    public string State => string.Join(' ', Balances.Select(pair => $"{pair.Key}:{pair.Value}"));

    /// <summary>How often one was restored, in all runs.</summary>
    public static int Restored => s_restored;

    private static int s_restored;

    public void Apply(Deposit command, in ApplyContext context) =>
        Balances[command.Account] = Query(new GetBalance(command.Account)) + command.Amount;

    public long Query(GetBalance query) => Balances.GetValueOrDefault(query.Account);

    public virtual IMachineSnapshot CaptureSnapshot() =>
        new Captured(new SortedDictionary<int, long>(Balances));

    public virtual async ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref s_restored);
        var read = await JsonSerializer.DeserializeAsync<SortedDictionary<int, long>>(
            source,
            cancellationToken: cancellationToken
        );
        Balances = read ?? [];
    }

    protected sealed class Captured(SortedDictionary<int, long> balances) : IMachineSnapshot
    {
        public async ValueTask WriteAsync(Stream destination, CancellationToken cancellationToken) =>
            await JsonSerializer.SerializeAsync(destination, balances, cancellationToken: cancellationToken);

        public void Dispose() { }
    }
}

/// <summary>Captures what later commands still change.</summary>
public sealed class AliasingLedger : SavedLedger
{
    public override IMachineSnapshot CaptureSnapshot() => new Captured(Balances);
}

/// <summary>Leaves an account out when it becomes what a snapshot holds.</summary>
public sealed class ForgetfulLedger : SavedLedger
{
    public override async ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
    {
        await base.RestoreSnapshotAsync(source, cancellationToken);
        Balances.Remove(3);
    }
}

/// <summary>Takes one read for all there is.</summary>
public sealed class HastyLedger : SavedLedger
{
    public override async ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
    {
        var buffer = new byte[4_096];
        var count = await source.ReadAsync(buffer, cancellationToken);
        await base.RestoreSnapshotAsync(new MemoryStream(buffer, 0, count), cancellationToken);
    }
}

/// <summary>Can't be captured.</summary>
public sealed class ShyLedger : SavedLedger
{
    public override IMachineSnapshot CaptureSnapshot() => throw new InvalidOperationException("Not now.");
}
