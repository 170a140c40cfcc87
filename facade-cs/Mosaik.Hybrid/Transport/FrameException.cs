namespace Mosaik.Hybrid.Transport;

/// <summary>What is wrong with a frame that the other end sent.</summary>
internal enum FrameFault
{
    /// <summary>It is longer than the limit in force.</summary>
    TooLarge,

    /// <summary>Its version byte is not one that this end reads.</summary>
    UnknownVersion,

    /// <summary>It has no body.</summary>
    Empty,

    /// <summary>The stream ended inside it.</summary>
    Truncated,
}

/// <summary>The other end broke the frame format. Only that link is to be closed.</summary>
internal sealed class FrameException(FrameFault fault, string message) : IOException(message)
{
    /// <summary>What is wrong.</summary>
    public FrameFault Fault { get; } = fault;
}
