using Mosaik.Hybrid;

namespace SimulatedLedger;

/// <summary>Moves an amount from an account to another; account 0 is the world outside.</summary>
internal sealed record Transfer(int From, int To, long Amount);

/// <summary>Asks for the balance of an account.</summary>
internal sealed record GetBalance(int Account);

/// <summary>The machine under test: balances, of which only the world outside may be below zero.</summary>
internal sealed class Ledger : IStateMachine<Transfer, GetBalance, long>
{
    private readonly SortedDictionary<int, long> _balances = [];

    public string Signature => "example.simulated-ledger/1";

    /// <summary>The whole state as text: what members must agree on.</summary>
    public string State => string.Join(' ', _balances.Select(pair => $"{pair.Key}:{pair.Value}"));

    public void Apply(Transfer command, in ApplyContext context)
    {
        // A bad command is refused by leaving the state as it is: an exception would end the group on this node.
        if (command.From != 0 && Balance(command.From) < command.Amount)
        {
            return;
        }

        _balances[command.From] = Balance(command.From) - command.Amount;
        _balances[command.To] = Balance(command.To) + command.Amount;
    }

    public long Query(GetBalance query) => Balance(query.Account);

    private long Balance(int account) => _balances.GetValueOrDefault(account);
}
