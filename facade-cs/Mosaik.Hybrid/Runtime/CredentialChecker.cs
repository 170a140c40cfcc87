using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Diagnostics;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Decides whether a peer's tickets let it in, and until when.</summary>
/// <remarks>
/// Every validator must be satisfied, in order; each contributes its longest valid ticket, and the bond lasts until
/// the earliest of those. Validators are the user's code and may take their time, so they run on pool threads, few at
/// once, and for a second at most: one that hangs costs a thread and refuses, and delays neither the group nor the
/// members' own tickets when a stranger's made it hang.
/// </remarks>
[SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "The semaphores' wait handles are never asked for, so there is nothing to release."
)]
internal sealed class CredentialChecker(
    IReadOnlyList<ITicketValidator> validators,
    MonotonicClock clock,
    ILogger logger
)
{
    /// <summary>How long a validator may take, and how long one may wait for its turn.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(1);

    private const int StrangersAtOnce = 2;
    private const int MembersAtOnce = 4;

    private readonly SemaphoreSlim _strangers = new(StrangersAtOnce);
    private readonly SemaphoreSlim _members = new(MembersAtOnce);
    private readonly TicketVerdictCache _cache = new();
    private readonly TicketRefusals _refusals = new(clock, logger);

    /// <summary>Read once: a validator that fails to tell its class fails the join, and no look later.</summary>
    private readonly string[] _classes = [.. validators.Select(static validator => validator.Class)];
    private int _looks;

    /// <summary>Told of every refusal, null for a ticket that is missing; any thread, only counts.</summary>
    public Action<TicketFault?>? Refused { get; set; }

    /// <summary>True when no ticket is required.</summary>
    public bool IsOpen => validators.Count == 0;

    /// <summary>True when nobody's credentials are being looked at.</summary>
    public bool IsIdle => Volatile.Read(ref _looks) == 0;

    /// <summary>Another value when earlier verdicts may no longer hold.</summary>
    /// <remarks>A sum would hide that one went up and another down.</remarks>
    public long Revision =>
        validators.Aggregate(0L, static (sum, validator) => unchecked(sum * 31 + RevisionOf(validator)));

    /// <summary>A look begins, which ends when its outcome was reported.</summary>
    public void BeginLook() => Interlocked.Increment(ref _looks);

    /// <summary>The look's outcome was reported.</summary>
    public void EndLook() => Interlocked.Decrement(ref _looks);

    /// <summary>Looks at the tickets of an entry, which is the peer's own.</summary>
    /// <param name="peer">The entry; its signature was checked.</param>
    /// <param name="isMember">The peer is bonded, so its turn does not depend on strangers.</param>
    public Task<Credentials> CheckAsync(PeerEntry peer, bool isMember) =>
        CheckAllAsync(peer, isMember ? _members : _strangers);

    private async Task<Credentials> CheckAllAsync(PeerEntry peer, SemaphoreSlim turn)
    {
        var earliest = Expiration.Never;
        for (var place = 0; place < validators.Count; place++)
        {
            var longest = await LongestValidAsync(place, peer, turn).ConfigureAwait(false);
            if (longest is not { } expiration)
            {
                return Credentials.NotAllowed;
            }

            earliest = expiration < earliest ? expiration : earliest;
        }

        return earliest.Moment is not { } moment ? Credentials.NewGood(Instant.Never)
            : earliest.IsExpired(clock.TimeProvider.GetUtcNow()) ? Credentials.NotAllowed
            : Credentials.NewGood(clock.At(moment));
    }

    private async Task<Expiration?> LongestValidAsync(int place, PeerEntry peer, SemaphoreSlim turn)
    {
        Expiration? longest = null;
        var isCarried = false;
        foreach (var ticket in peer.TicketsOf(_classes[place]))
        {
            isCarried = true;
            var verdict = await JudgeAsync(place, ticket, peer, turn).ConfigureAwait(false);
            if (verdict.Error is { } error)
            {
                Refused?.Invoke(error.Fault);
                _refusals.Note(peer.Id, ticket.Id, error);
                if (error.Fault == TicketFault.ValidatorTooSlow)
                {
                    // One look holds up one thread at most, however many tickets the peer has made for that.
                    return null;
                }
            }
            else if (longest is null || verdict.Expiration > longest)
            {
                longest = verdict.Expiration;
            }
        }

        if (!isCarried)
        {
            Refused?.Invoke(null);
            _refusals.NoteMissing(peer.Id, _classes[place]);
        }

        return longest;
    }

    private async Task<TicketVerdict> JudgeAsync(int place, Ticket ticket, PeerEntry peer, SemaphoreSlim turn)
    {
        var validator = validators[place];
        // Read before the validator is asked: a change meanwhile makes what it says stale, never fresh.
        var revision = RevisionOf(validator);
        var now = clock.TimeProvider.GetUtcNow();
        if (_cache.Find(place, revision, ticket, peer, now) is { } known)
        {
            return known;
        }

        var verdict = await ValidateAsync(place, ticket, peer, turn).ConfigureAwait(false);
        if (verdict.IsValid && verdict.Expiration.IsExpired(clock.TimeProvider.GetUtcNow()))
        {
            return TicketVerdict.Invalid(TicketFault.Expired, "it is good until a moment that has passed");
        }

        if (verdict.IsValid)
        {
            _cache.Keep(place, revision, ticket, peer, now, verdict);
        }

        return verdict;
    }

    private async Task<TicketVerdict> ValidateAsync(
        int place,
        Ticket ticket,
        PeerEntry peer,
        SemaphoreSlim turn
    )
    {
        using var patience = new CancellationTokenSource(TimeLimit, clock.TimeProvider);
        try
        {
            await turn.WaitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return TicketVerdict.Invalid(TicketFault.ValidatorTooSlow, "validators are busy");
        }

        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = Task.Run(() =>
        {
            began.SetResult();
            try
            {
                return Validate(place, ticket, peer);
            }
            finally
            {
                // Not before it ends: one that hangs keeps its place, so that few threads hang.
                turn.Release();
            }
        });
        // The time until a thread is free is not the validator's.
        await began.Task.ConfigureAwait(false);
        try
        {
            return await running.WaitAsync(TimeLimit, clock.TimeProvider).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            GroupEvents.ValidatorTooSlow(logger, _classes[place], TimeLimit.TotalMilliseconds);
            return TicketVerdict.Invalid(
                TicketFault.ValidatorTooSlow,
                "the validator did not answer in time"
            );
        }
    }

    private TicketVerdict Validate(int place, Ticket ticket, PeerEntry peer)
    {
        try
        {
            return validators[place].Validate(ticket, peer);
        }
        catch (Exception exception)
        {
            // A validator that throws has not said yes; the peer is refused, and the operator told.
            GroupEvents.ValidatorFailed(logger, _classes[place], exception);
            return TicketVerdict.Invalid(TicketFault.ValidatorFailed, "the validator threw");
        }
    }

    private static long RevisionOf(ITicketValidator validator)
    {
        try
        {
            return validator.Revision;
        }
        catch (Exception)
        {
            // One that does not know its own revision: nothing that is remembered is of this one.
            return long.MinValue;
        }
    }
}
