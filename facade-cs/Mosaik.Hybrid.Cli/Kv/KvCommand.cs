namespace Mosaik.Hybrid.Cli.Kv;

/// <summary>What a command does. The numbers are part of the log's format.</summary>
internal enum KvOperation
{
    /// <summary>Sets a key.</summary>
    Put = 1,

    /// <summary>Removes a key.</summary>
    Delete = 2,
}

/// <summary>Changes the map.</summary>
/// <param name="Operation">What to do.</param>
/// <param name="Key">With which key.</param>
/// <param name="Value">The new value of a put; empty for a delete.</param>
internal sealed record KvCommand(KvOperation Operation, string Key, string Value)
{
    /// <summary>Sets a key.</summary>
    public static KvCommand Put(string key, string value) => new(KvOperation.Put, key, value);

    /// <summary>Removes a key.</summary>
    public static KvCommand Delete(string key) => new(KvOperation.Delete, key, "");
}

/// <summary>Asks the map.</summary>
/// <param name="Key">For this key's value; null for the digest of the whole map.</param>
internal sealed record KvQuery(string? Key)
{
    /// <summary>Asks for the digest.</summary>
    public static KvQuery Digest { get; } = new((string?)null);
}

/// <summary>What the map answers.</summary>
/// <param name="Value">The key's value; null when it has none.</param>
/// <param name="Digest">The digest, when that was asked for.</param>
internal sealed record KvAnswer(string? Value, KvDigest? Digest);

/// <summary>The whole map in a few numbers. Equal on all members that applied the same commands.</summary>
/// <param name="Keys">How many keys there are.</param>
/// <param name="Puts">How many puts have been applied, ever.</param>
/// <param name="Deletes">How many deletes have been applied, ever.</param>
/// <param name="Repeats">Puts to a key that had a value already.</param>
/// <param name="Hash">SHA-256 over the sorted map with the version of each key, and the counts; lowercase hex.</param>
internal sealed record KvDigest(long Keys, long Puts, long Deletes, long Repeats, string Hash);
