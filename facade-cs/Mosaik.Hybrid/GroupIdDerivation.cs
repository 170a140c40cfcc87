namespace Mosaik.Hybrid;

/// <summary>Derives the GroupId from everything that the members must agree on. See docs/group-id.md.</summary>
internal static class GroupIdDerivation
{
    private const string Label = "mosaik group v1";

    /// <summary>The group's id: SHA-256 of <see cref="Preimage"/>.</summary>
    public static GroupId Derive(
        GroupKey key,
        ConsensusConfig consensus,
        string machineSignature,
        string codecName,
        IReadOnlyList<ReadOnlyMemory<byte>> validatorSignatures
    ) =>
        GroupId.FromBytes(
            Fields(key, consensus, machineSignature, codecName, validatorSignatures).ToDigest()
        );

    /// <summary>The bytes that are hashed; nothing in them is secret.</summary>
    public static byte[] Preimage(
        GroupKey key,
        ConsensusConfig consensus,
        string machineSignature,
        string codecName,
        IReadOnlyList<ReadOnlyMemory<byte>> validatorSignatures
    ) => Fields(key, consensus, machineSignature, codecName, validatorSignatures).ToBytes();

    private static CanonicalHash Fields(
        GroupKey key,
        ConsensusConfig consensus,
        string machineSignature,
        string codecName,
        IReadOnlyList<ReadOnlyMemory<byte>> validatorSignatures
    )
    {
        var hash = new CanonicalHash(Label).Append(key.PublicTag());
        var parameters = consensus.Parameters();
        hash.AppendCount(parameters.Count);
        foreach (var (name, value) in parameters)
        {
            hash.Append(name).AppendNumber((ulong)value);
        }

        hash.Append(machineSignature).Append(codecName).AppendCount(validatorSignatures.Count);
        foreach (var signature in validatorSignatures)
        {
            hash.Append(signature.Span);
        }

        return hash;
    }
}
