using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Builder;

/// <summary>The worked example of docs/group-id.md, computed by another program in another language.</summary>
internal static class GroupIdVector
{
    public const string KeyText = "mosaik-key-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9jDc0p";
    public const string Proof = "400eccebdcca06e925fe02fc9f9312bdbfd2aa4be14b6e94523d565b78e75398";
    public const string Tag = "b70ee4727a76d3b2cbfd7cfadeaa113fb61ac1431af8d7e4c736203f238f6ccc";
    public const string GroupId = "35e13fc767eabb5275c0c945833fcfd3d1c7d633cd68c56d360fdc821f14ddef";
    public const string GroupIdWithoutValidator =
        "8af1aa9a29b88cbe6d448dc03728e7bbcc96e240362536f38a4b930dd2f8c153";
    public const string SecretKeyText = "mosaik-key-1-rPObFzjX7SSc61fx423aqHfUejUCaoT3M4glTRPNgfJrVU8X";
    public const string ValidatorKeyText = "mosaik-key-1-gPpmteXfBfPsWB3J7ZPgyPGRUw0WQBkk8vEfMU18gyhAlf5M";
}

/// <summary>A validator that is nothing but its signature.</summary>
internal sealed class SignedValidator(byte[] signature) : ITicketValidator
{
    public string Class => "test";

    public ReadOnlyMemory<byte> Signature => signature;

    public TicketVerdict Validate(Ticket ticket, PeerEntry peer) => TicketVerdict.Valid(Expiration.Never);
}
