namespace Mosaik.Hybrid.Cli;

/// <summary>What the program tells its caller when it ends.</summary>
internal static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>It was understood, and it failed.</summary>
    public const int Failed = 1;

    /// <summary>The arguments make no sense; nothing was done.</summary>
    public const int Usage = 2;
}

/// <summary>Something that was asked for can't be done, for a reason that the user can mend. The message says how.</summary>
internal sealed class ToolException(string message) : Exception(message);
