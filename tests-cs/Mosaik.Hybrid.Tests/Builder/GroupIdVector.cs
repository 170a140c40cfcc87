using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Tests.Builder;

/// <summary>The worked example of docs/group-id.md, computed by another program in another language.</summary>
internal static class GroupIdVector
{
    public const string KeyText = "mosaik-key-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9jDc0p";
    public const string Proof = "400eccebdcca06e925fe02fc9f9312bdbfd2aa4be14b6e94523d565b78e75398";
    public const string Tag = "b70ee4727a76d3b2cbfd7cfadeaa113fb61ac1431af8d7e4c736203f238f6ccc";
    public const string GroupId = "c788cf0fe6d08688c8c9043c0815128c7d39d7983cd2be084127693269d85b89";
    public const string GroupIdWithoutValidator =
        "a9a548c0c30c51e8f2138b9caa556ab075fbd2b33e8cd79ce6c4d7d96f06b3d6";
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
