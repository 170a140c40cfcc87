namespace Mosaik.Hybrid.Testing;

/// <summary>What the runs of a simulation strain most. Everything else is drawn from the seed.</summary>
public enum SimulationProfile
{
    /// <summary>All of the others but <see cref="Quiet"/> by turns: the one to begin with.</summary>
    Swarm = 0,

    /// <summary>Partitions and pauses, so that leaders change often.</summary>
    Elections = 1,

    /// <summary>Processes that end and start again, some with a fresh disk.</summary>
    Crashes = 2,

    /// <summary>Entries one by one over a network that loses and repeats messages.</summary>
    Entries = 3,

    /// <summary>Lost, repeated and reordered messages, and links that break.</summary>
    Network = 4,

    /// <summary>Disks that stall, fill up, lose what they held, and are replaced.</summary>
    Disks = 5,

    /// <summary>Groups that are founded while the network is split.</summary>
    Founding = 6,

    /// <summary>No faults at all: what fails here fails everywhere.</summary>
    Quiet = 7,

    /// <summary>Groups that grow, shrink and heal: members join, leave, hand over, and lose their disks.</summary>
    Membership = 8,
}
