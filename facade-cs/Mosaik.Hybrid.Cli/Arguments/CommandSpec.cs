namespace Mosaik.Hybrid.Cli.Arguments;

/// <summary>One option of a command.</summary>
/// <param name="Name">Without the dashes.</param>
/// <param name="ValueName">How help calls its value; null for a flag.</param>
/// <param name="Help">What it does; one or two sentences.</param>
/// <param name="IsRepeatable">May be given more than once.</param>
internal sealed record OptionSpec(string Name, string? ValueName, string Help, bool IsRepeatable = false);

/// <summary>One command of the program.</summary>
internal sealed record CommandSpec(
    string Name,
    string Summary,
    IReadOnlyList<OptionSpec> Options,
    IReadOnlyList<string> Examples,
    string Notes = ""
);

/// <summary>The arguments make no sense.</summary>
/// <param name="message">What is wrong, and with which argument.</param>
/// <param name="hint">Where to read on.</param>
internal sealed class UsageException(string message, string hint) : Exception(message)
{
    /// <summary>Where to read on.</summary>
    public string Hint { get; } = hint;
}
