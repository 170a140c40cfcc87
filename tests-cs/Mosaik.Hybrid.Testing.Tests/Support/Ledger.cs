namespace Mosaik.Hybrid.Testing.Tests.Support;

public sealed record Deposit(int Account, long Amount);

public sealed record GetBalance(int Account);

/// <summary>What accounts hold; right unless a subclass makes it wrong.</summary>
public class Ledger : IStateMachine<Deposit, GetBalance, long>
{
    private readonly SortedDictionary<int, long> _balances = [];

    public string Signature => "tests.ledger/1";

    /// <summary>Every account with its balance.</summary>
    public string State => string.Join(' ', _balances.Select(pair => $"{pair.Key}:{pair.Value}"));

    public virtual void Apply(Deposit command, in ApplyContext context) =>
        _balances[command.Account] = Query(new GetBalance(command.Account)) + command.Amount;

    public virtual long Query(GetBalance query) => _balances.GetValueOrDefault(query.Account);
}

/// <summary>Adds what depends on how many machines this process has made: each start of a process is another one.</summary>
public sealed class LocalLedger : Ledger
{
    private static int s_made;
    private readonly int _number = Interlocked.Increment(ref s_made);

    public override void Apply(Deposit command, in ApplyContext context) =>
        base.Apply(command with { Amount = command.Amount + _number }, context);
}

/// <summary>Applies rightly, and answers what depends on how often it was asked.</summary>
public sealed class MoodyLedger : Ledger
{
    private int _asked;

    public override long Query(GetBalance query) => base.Query(query) + (++_asked / 50);
}

/// <summary>Refuses by an exception what it should refuse by doing nothing.</summary>
public sealed class ThrowingLedger : Ledger
{
    public override void Apply(Deposit command, in ApplyContext context)
    {
        if (command.Amount > 90)
        {
            throw new InvalidOperationException("Nobody has that much.");
        }

        base.Apply(command, context);
    }
}
