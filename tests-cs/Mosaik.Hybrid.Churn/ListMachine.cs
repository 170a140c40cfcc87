using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Mosaik.Hybrid.Churn;

/// <summary>An element goes to the end of a list.</summary>
internal sealed record Append(string Key, string Element);

/// <summary>Lists that only grow: what was lost, doubled or swapped stays visible for good.</summary>
internal sealed class ListMachine : IStateMachine<Append, string, string[]>, ISnapshotMachine
{
    /// <summary>Asks for the digest of everything, in place of a list.</summary>
    public const string Digest = "";

    private SortedDictionary<string, List<string>> _lists = new(StringComparer.Ordinal);

    public string Signature => "mosaik.churn/1";

    public void Apply(Append command, in ApplyContext context)
    {
        if (!_lists.TryGetValue(command.Key, out var list))
        {
            list = [];
            _lists.Add(command.Key, list);
        }

        list.Add(command.Element);
    }

    public string[] Query(string query) =>
        query.Length == 0 ? [DigestOfAll()]
        : _lists.TryGetValue(query, out var list) ? [.. list]
        : [];

    public IMachineSnapshot CaptureSnapshot() => new Captured(JsonSerializer.SerializeToUtf8Bytes(_lists));

    public async ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
    {
        var lists = await JsonSerializer.DeserializeAsync<Dictionary<string, List<string>>>(
            source,
            cancellationToken: cancellationToken
        );
        _lists = new SortedDictionary<string, List<string>>(lists!, StringComparer.Ordinal);
    }

    private string DigestOfAll()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (key, list) in _lists)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{key}:{string.Join(',', list)}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed class Captured(byte[] bytes) : IMachineSnapshot
    {
        public ValueTask WriteAsync(Stream destination, CancellationToken cancellationToken) =>
            destination.WriteAsync(bytes, cancellationToken);

        public void Dispose() { }
    }
}
