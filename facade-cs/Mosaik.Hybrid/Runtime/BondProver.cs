using System.Buffers;
using System.Buffers.Binary;
using Mosaik.Hybrid.Core;
using Mosaik.Hybrid.Wire;

namespace Mosaik.Hybrid.Runtime;

/// <summary>Makes and checks the proofs by which two peers show each other that they know the group key.</summary>
/// <remarks>
/// The proof is an HMAC over everything that was said and everybody who said it: the role, so that it can't be
/// reflected; both nonces, so that it can't be repeated; both public keys, so that nobody between can relay it.
/// The secret never leaves <see cref="GroupKey"/>.
/// </remarks>
internal sealed class BondProver(GroupKey key, ReadOnlyMemory<byte> ownPublicKey)
{
    private const byte DiallerRole = 1;
    private const byte AcceptorRole = 2;

    /// <summary>This end's proof.</summary>
    public Bytes32 Prove(Hello mine, Hello theirs, bool isDialler, ReadOnlyMemory<byte> theirPublicKey) =>
        key.Prove(
            isDialler
                ? Transcript(DiallerRole, mine, theirs, ownPublicKey, theirPublicKey)
                : Transcript(AcceptorRole, theirs, mine, theirPublicKey, ownPublicKey)
        );

    /// <summary>Checks the other end's proof, in constant time.</summary>
    public bool Verify(
        Hello mine,
        Hello theirs,
        bool isDialler,
        ReadOnlyMemory<byte> theirPublicKey,
        Bytes32 proof
    ) =>
        key.Verify(
            isDialler
                ? Transcript(AcceptorRole, mine, theirs, ownPublicKey, theirPublicKey)
                : Transcript(DiallerRole, theirs, mine, theirPublicKey, ownPublicKey),
            proof
        );

    /// <summary>The bytes that are authenticated, dialler first: role, then for each end its hello and its public key with its length.</summary>
    private static byte[] Transcript(
        byte prover,
        Hello dialler,
        Hello acceptor,
        ReadOnlyMemory<byte> diallerKey,
        ReadOnlyMemory<byte> acceptorKey
    )
    {
        var output = new ArrayBufferWriter<byte>(512);
        output.Write([prover]);
        AddHello(output, dialler);
        AddKey(output, diallerKey.Span);
        AddHello(output, acceptor);
        AddKey(output, acceptorKey.Span);
        return output.WrittenSpan.ToArray();
    }

    private static void AddHello(ArrayBufferWriter<byte> output, Hello hello)
    {
        Span<byte> bytes = stackalloc byte[2 + 2 + 32 + 32 + 32 + 32 + 16 + 16 + 1];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, hello.VersionMin);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], hello.VersionMax);
        hello.Network.CopyTo(bytes[4..]);
        hello.Group.CopyTo(bytes[36..]);
        hello.Nonce.CopyTo(bytes[68..]);
        hello.Member.Peer.CopyTo(bytes[100..]);
        hello.Member.Incarnation.Value.CopyTo(bytes[132..]);
        hello.Lineage.Value.CopyTo(bytes[148..]);
        bytes[164] = WireFormat.HelloFlags(hello);
        output.Write(bytes);
    }

    private static void AddKey(ArrayBufferWriter<byte> output, ReadOnlySpan<byte> key)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, key.Length);
        output.Write(length);
        output.Write(key);
    }
}
