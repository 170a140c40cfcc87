using System.Globalization;
using Mosaik.Hybrid.Simulation;

namespace Mosaik.Hybrid.Testing;

/// <summary>What survives a simulated crash of one member: the place for its store's data.</summary>
/// <remarks>
/// The factory of stores gets the same disk at every start of the member. A disk that is lost in the simulation, or
/// whose owner begins a new life, is replaced by another one, empty. All of them are gone when the run ends.
/// </remarks>
public sealed class SimulatedDisk
{
    private readonly Dictionary<Type, object> _kept = [];
    private string? _directory;

    internal SimulatedDisk(MemberId owner, ulong seed)
    {
        Owner = owner;
        Seed = seed;
        Name = Naming.show(owner);
    }

    /// <summary>Whose disk it is.</summary>
    public MemberId Owner { get; }

    /// <summary>The seed of the run.</summary>
    public ulong Seed { get; }

    /// <summary>The owner as traces name it: <c>n2</c>, or <c>n2'3</c> in its third life.</summary>
    public string Name { get; }

    /// <summary>A directory of this disk's own, for stores that keep files. Made when first asked for.</summary>
    /// <exception cref="IOException">It can't be made.</exception>
    public string Directory =>
        _directory ??= System
            .IO.Directory.CreateTempSubdirectory(
                string.Create(CultureInfo.InvariantCulture, $"mosaik-simulation-{Seed}-")
            )
            .FullName;

    /// <summary>What this disk holds of a type, for stores that keep their data in an object of a test.</summary>
    /// <param name="make">Makes it, when the disk holds none yet.</param>
    public T Keep<T>(Func<T> make)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(make);
        if (!_kept.TryGetValue(typeof(T), out var kept))
        {
            kept = make();
            _kept.Add(typeof(T), kept);
        }

        return (T)kept;
    }

    /// <summary>Name and seed.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"disk of {Name} in the run of seed {Seed}");

    internal void Destroy()
    {
        _kept.Clear();
        if (_directory is { } directory && System.IO.Directory.Exists(directory))
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }

        _directory = null;
    }
}
