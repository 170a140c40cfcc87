using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Mosaik.Hybrid.Cli.Kv;

/// <summary>A map from text to text, which counts what was done to it, so that a command applied twice shows.</summary>
internal sealed class KvMachine : IStateMachine<KvCommand, KvQuery, KvAnswer>, ISnapshotMachine
{
    private Dictionary<string, KvEntry> _entries = new(StringComparer.Ordinal);
    private long _puts;
    private long _deletes;
    private long _repeats;

    /// <inheritdoc/>
    public string Signature => "mosaik.kv/1";

    /// <inheritdoc/>
    public void Apply(KvCommand command, in ApplyContext context) => Apply(command);

    /// <summary>Applies a command wherever it stands in the log; the map does not depend on it.</summary>
    public void Apply(KvCommand command)
    {
        if (command.Operation == KvOperation.Delete)
        {
            _deletes++;
            _entries.Remove(command.Key);
            return;
        }

        _puts++;
        var version = 1L;
        if (_entries.TryGetValue(command.Key, out var former))
        {
            version = former.Version + 1;
            _repeats++;
        }

        _entries[command.Key] = new KvEntry(command.Value, version);
    }

    /// <inheritdoc/>
    public KvAnswer Query(KvQuery query) =>
        query.Key is { } key
            ? new KvAnswer(_entries.TryGetValue(key, out var entry) ? entry.Value : null, null)
            : new KvAnswer(null, Digest());

    /// <inheritdoc/>
    public IMachineSnapshot CaptureSnapshot() => new KvSnapshot([.. _entries], _puts, _deletes, _repeats);

    /// <inheritdoc/>
    public ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
    {
        (_entries, _puts, _deletes, _repeats) = KvSnapshot.Read(source);
        return ValueTask.CompletedTask;
    }

    /// <summary>The digest of the map as it is; takes time in proportion to its size.</summary>
    public KvDigest Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, entry) in _entries.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Append(hash, key);
            Append(hash, entry.Value);
            Append(hash, entry.Version);
        }

        Append(hash, _puts);
        Append(hash, _deletes);
        return new KvDigest(
            _entries.Count,
            _puts,
            _deletes,
            _repeats,
            Convert.ToHexStringLower(hash.GetHashAndReset())
        );
    }

    /// <summary>With its length first, so that no two maps give the same bytes.</summary>
    private static void Append(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Append(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void Append(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
