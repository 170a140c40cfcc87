namespace Mosaik.Hybrid.Storage.Files;

/// <summary>What an operator can do, and refusals that every store on disk makes.</summary>
internal static class Advice
{
    public const string Damaged =
        "Nothing was changed. Restore the directory from a copy that was made since the node last ran, or move it away: "
        + "the node then joins as a new member and gets the log from the others.";

    public const string Lost =
        "The node must not vote as the member it was. Move the directory away: the node then joins as a new member and "
        + "gets the log from the others. An old copy of the directory is no help.";

    /// <summary>Refuses what another version wrote, before anything is changed.</summary>
    public static void CheckVersion(uint found, uint known, string path)
    {
        if (found != known)
        {
            throw new StorageException(
                StorageFault.Unsupported,
                $"The store has format {found}; this version of the library reads format {known}. Run the version that wrote it.",
                path
            );
        }
    }

    /// <summary>Refuses a store of another peer or another group.</summary>
    public static void CheckOwner(
        PeerId peer,
        GroupId group,
        PeerId foundPeer,
        GroupId foundGroup,
        string path
    )
    {
        if (foundPeer != peer)
        {
            throw new StorageException(
                StorageFault.Foreign,
                $"The store belongs to peer {foundPeer}, this node is {peer}. Start the node with the identity "
                    + "file that it had, or give it a directory of its own",
                path
            );
        }

        if (foundGroup != group)
        {
            throw new StorageException(
                StorageFault.Foreign,
                $"The store belongs to group {foundGroup}, this group is {group}. Key, parameters, machine, codec "
                    + "or validators have changed; change them back, or give the new group a directory of its own",
                path
            );
        }
    }
}
