using System.Collections.Immutable;

namespace Mosaik.Hybrid.Tickets;

/// <summary>Keys that change while groups run: for rotation without a restart.</summary>
/// <remarks>
/// <para>
/// A <see cref="Jwt"/> with a ring has the ring's name in its signature instead of the keys, so that the GroupId stays
/// the same when the keys change. Every member changes its own ring: first add the new key everywhere, then issue
/// tickets with it, and remove the old key when all members carry such a ticket. Bonds last all the while.
/// </para>
/// <para>
/// Removing a key ends the bonds of those who have only tickets of it, within a second. Any thread may call any
/// member.
/// </para>
/// </remarks>
public sealed class JwtKeyRing
{
    /// <summary>The most keys in a ring: 16.</summary>
    public const int KeysMax = 16;

    private const int NameLengthMax = 128;

    private readonly Lock _gate = new();
    private volatile Content _content;

    /// <summary>Makes a ring.</summary>
    /// <param name="name">Names the ring in the GroupId; the same on all members. 1 to 128 characters.</param>
    /// <param name="keys">The first keys; there may be none, and then no ticket is good.</param>
    /// <exception cref="ArgumentException">The name is empty or too long, or there are too many keys.</exception>
    public JwtKeyRing(string name, params IEnumerable<JwtKey> keys)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Length > NameLengthMax)
        {
            throw new ArgumentException(
                $"A ring's name has at most {NameLengthMax} characters.",
                nameof(name)
            );
        }

        Name = name;
        _content = new Content(Checked([.. keys]), 1);
    }

    /// <summary>The ring's name.</summary>
    public string Name { get; }

    /// <summary>The keys at the moment.</summary>
    public IReadOnlyList<JwtKey> Keys => _content.Keys;

    /// <summary>Counts the changes.</summary>
    internal long Revision => _content.Revision;

    /// <summary>Keys and revision of one moment.</summary>
    internal ImmutableArray<JwtKey> Snapshot => _content.Keys;

    /// <summary>Adds a key; one that is there already stays as it is.</summary>
    /// <exception cref="InvalidOperationException">There are 16 already.</exception>
    public void Add(JwtKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Change(keys => keys.Any(other => IsSame(other, key)) ? keys : keys.Add(key));
    }

    /// <summary>Removes the keys with this id.</summary>
    /// <returns>False when there were none.</returns>
    public bool Remove(string keyId)
    {
        ArgumentException.ThrowIfNullOrEmpty(keyId);
        return Change(keys => keys.RemoveAll(key => key.KeyId == keyId));
    }

    /// <summary>Removes a key, whichever object stands for it.</summary>
    /// <returns>False when it was not there.</returns>
    public bool Remove(JwtKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Change(keys => keys.RemoveAll(other => IsSame(other, key)));
    }

    /// <summary>Replaces all keys in one change.</summary>
    /// <exception cref="InvalidOperationException">More than 16.</exception>
    public void Replace(params IEnumerable<JwtKey> keys)
    {
        ImmutableArray<JwtKey> all = [.. keys];
        Change(_ => all);
    }

    /// <summary>Name and number of keys.</summary>
    public override string ToString() => $"{Name}, {Keys.Count} keys";

    private bool Change(Func<ImmutableArray<JwtKey>, ImmutableArray<JwtKey>> change)
    {
        lock (_gate)
        {
            var before = _content;
            var after = Checked(change(before.Keys));
            if (after.SequenceEqual(before.Keys))
            {
                return false;
            }

            _content = new Content(after, before.Revision + 1);
            return true;
        }
    }

    private static ImmutableArray<JwtKey> Checked(ImmutableArray<JwtKey> keys)
    {
        foreach (var key in keys)
        {
            ArgumentNullException.ThrowIfNull(key, nameof(keys));
        }

        return keys.Length <= KeysMax
            ? keys
            : throw new InvalidOperationException($"A ring has at most {KeysMax} keys; remove one first.");
    }

    private static bool IsSame(JwtKey left, JwtKey right) =>
        left.KeyId == right.KeyId && left.Fingerprint.Span.SequenceEqual(right.Fingerprint.Span);

    private sealed record Content(ImmutableArray<JwtKey> Keys, long Revision);
}
