using System.Collections.Immutable;
using System.Text.Json;
using Mosaik.Hybrid;

namespace KeyValueService;

/// <summary>Gives a key a value; null takes the key away.</summary>
public sealed record Put(string Key, string? Value);

/// <summary>Asks for the value of a key.</summary>
public sealed record Get(string Key);

/// <summary>A value, and the place in the log of the command that wrote it: it grows with every write.</summary>
public sealed record Versioned(string Value, long Version);

/// <summary>What the group replicates: a map from keys to values.</summary>
/// <remarks>An immutable map, so that a snapshot is captured in no time and written while commands go on.</remarks>
public sealed class KeyValueMap : IStateMachine<Put, Get, Versioned?>, ISnapshotMachine
{
    private ImmutableSortedDictionary<string, Versioned> _map = Empty;

    private static ImmutableSortedDictionary<string, Versioned> Empty { get; } =
        ImmutableSortedDictionary.Create<string, Versioned>(StringComparer.Ordinal);

    /// <inheritdoc/>
    public string Signature => "example.key-value-map/1";

    /// <inheritdoc/>
    public void Apply(Put command, in ApplyContext context) =>
        _map = command.Value is { } value
            ? _map.SetItem(command.Key, new Versioned(value, (long)context.Index.Value))
            : _map.Remove(command.Key);

    /// <inheritdoc/>
    public Versioned? Query(Get query) => _map.GetValueOrDefault(query.Key);

    /// <inheritdoc/>
    public IMachineSnapshot CaptureSnapshot() => new Captured(_map);

    /// <inheritdoc/>
    public async ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
    {
        var map = Empty.ToBuilder();
        var lines = JsonSerializer.DeserializeAsyncEnumerable<KeyValuePair<string, Versioned>>(
            source,
            topLevelValues: true,
            cancellationToken: cancellationToken
        );
        await foreach (var (key, value) in lines)
        {
            map[key] = value;
        }

        _map = map.ToImmutable();
    }

    /// <summary>The map as it was; a line of JSON for each key.</summary>
    private sealed class Captured(ImmutableSortedDictionary<string, Versioned> map) : IMachineSnapshot
    {
        public async ValueTask WriteAsync(Stream destination, CancellationToken cancellationToken)
        {
            foreach (var entry in map)
            {
                await JsonSerializer.SerializeAsync(destination, entry, cancellationToken: cancellationToken);
                await destination.WriteAsync("\n"u8.ToArray(), cancellationToken);
            }
        }

        public void Dispose()
        {
            // An immutable map holds nothing that is to be released.
        }
    }
}
