using Mosaik.Hybrid.Storage;

namespace Mosaik.Hybrid;

/// <summary>What may be said of a group only in some states of its builder.</summary>
public static class GroupBuilderExtensions
{
    /// <summary>Chooses where the log is kept. Offered once: a group has one log.</summary>
    /// <param name="builder">A builder that has a machine and no store.</param>
    /// <param name="storage">
    /// A store that nobody has opened; the group opens it, and disposes of it when it ends.
    /// </param>
    public static GroupBuilder<TCommand, TQuery, TResult, ChosenStorage, TCodec> WithLogStorage<
        TCommand,
        TQuery,
        TResult,
        TCodec
    >(this GroupBuilder<TCommand, TQuery, TResult, DefaultStorage, TCodec> builder, ILogStorage storage)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Store(storage);
    }

    /// <summary>Chooses how commands become bytes. Offered once: a log has one format.</summary>
    /// <param name="builder">A builder that has a machine and no codec.</param>
    /// <param name="codec">Its name is part of the GroupId.</param>
    public static GroupBuilder<TCommand, TQuery, TResult, TStorage, ChosenCodec> WithCommandCodec<
        TCommand,
        TQuery,
        TResult,
        TStorage
    >(
        this GroupBuilder<TCommand, TQuery, TResult, TStorage, DefaultCodec> builder,
        ICommandCodec<TCommand> codec
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Encode(codec);
    }
}

/// <summary>State of a builder: no store was chosen, so the log is kept in memory. Has no instances.</summary>
public sealed class DefaultStorage
{
    private DefaultStorage() { }
}

/// <summary>State of a builder: a store was chosen. Has no instances.</summary>
public sealed class ChosenStorage
{
    private ChosenStorage() { }
}

/// <summary>State of a builder: no codec was chosen, so commands are JSON. Has no instances.</summary>
public sealed class DefaultCodec
{
    private DefaultCodec() { }
}

/// <summary>State of a builder: a codec was chosen. Has no instances.</summary>
public sealed class ChosenCodec
{
    private ChosenCodec() { }
}
