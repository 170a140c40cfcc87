namespace Mosaik.Hybrid.Tickets;

/// <summary>Why a ticket is not good.</summary>
/// <param name="Fault">The kind of fault, for programs.</param>
/// <param name="Detail">
/// A sentence for the operator's log; never sent to the peer. Validators put neither secrets nor the peer's own
/// bytes in it.
/// </param>
public sealed record InvalidTicket(TicketFault Fault, string Detail)
{
    /// <summary>A refusal without a reason.</summary>
    public static InvalidTicket Unexplained { get; } =
        new(TicketFault.Rejected, "the validator gave no reason");
}

/// <summary>The kinds of faults that a ticket can have.</summary>
public enum TicketFault
{
    /// <summary>A validator's own rule.</summary>
    Rejected = 0,

    /// <summary>A ticket of another class than the validator's.</summary>
    WrongClass = 1,

    /// <summary>Not three parts of a signed token in compact form: too few or many, empty, encrypted, no ASCII.</summary>
    NotAToken = 2,

    /// <summary>A part is not base64url, or not in its one canonical form.</summary>
    BadEncoding = 3,

    /// <summary>Header or claims are not a JSON object in UTF-8, are nested too deeply, or name something twice.</summary>
    BadJson = 4,

    /// <summary>A part is larger than anything honest.</summary>
    TooLarge = 5,

    /// <summary>The header asks for something that is never done: critical extensions, keys of its own, encryption.</summary>
    BadHeader = 6,

    /// <summary>The header names no algorithm, or one that no configured key has.</summary>
    WrongAlgorithm = 7,

    /// <summary>No configured key has the id that the header names.</summary>
    UnknownKey = 8,

    /// <summary>The signature has the wrong length, or was not made by a configured key over these bytes.</summary>
    BadSignature = 9,

    /// <summary>A registered claim has a wrong type, or a date that is no whole number of seconds within range.</summary>
    BadClaim = 10,

    /// <summary>The issuer is missing, or not allowed.</summary>
    WrongIssuer = 11,

    /// <summary>The audience is missing, or not allowed.</summary>
    WrongAudience = 12,

    /// <summary>The subject is missing, or not the peer: somebody else's ticket.</summary>
    WrongSubject = 13,

    /// <summary>A required claim is missing, or has another value.</summary>
    WrongClaim = 14,

    /// <summary>The ticket does not say when it expires, and must.</summary>
    NoExpiration = 15,

    /// <summary>The ticket has expired.</summary>
    Expired = 16,

    /// <summary>The ticket is not valid yet.</summary>
    NotYetValid = 17,

    /// <summary>The ticket claims to have been issued in the future.</summary>
    IssuedInFuture = 18,

    /// <summary>The ticket lives longer than is allowed.</summary>
    LivesTooLong = 19,

    /// <summary>The ticket was issued too long ago, or does not say when.</summary>
    TooOld = 20,

    /// <summary>The validator threw. A defect of the validator; the ticket counts as not good.</summary>
    ValidatorFailed = 21,

    /// <summary>The validator took longer than it may. The ticket counts as not good.</summary>
    ValidatorTooSlow = 22,
}
