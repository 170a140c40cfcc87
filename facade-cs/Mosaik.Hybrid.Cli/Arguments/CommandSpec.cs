namespace Mosaik.Hybrid.Cli.Arguments;

/// <summary>One option of a command.</summary>
/// <param name="Name">Without the dashes.</param>
/// <param name="ValueName">How help calls its value; null for a flag.</param>
/// <param name="Help">What it does; one or two sentences.</param>
/// <param name="IsRepeatable">May be given more than once.</param>
internal sealed record OptionSpec(string Name, string? ValueName, string Help, bool IsRepeatable = false);

/// <summary>One command of the program.</summary>
/// <param name="Name">The word after <c>mosaik</c>.</param>
/// <param name="Summary">What it does; one sentence.</param>
/// <param name="Options">What may be given by name.</param>
/// <param name="Examples">Whole lines to copy.</param>
/// <param name="Notes">What else help says.</param>
/// <param name="Operand">What is given without a name, once; null for nothing.</param>
internal sealed record CommandSpec(
    string Name,
    string Summary,
    IReadOnlyList<OptionSpec> Options,
    IReadOnlyList<string> Examples,
    string Notes = "",
    OptionSpec? Operand = null
);

/// <summary>The arguments make no sense.</summary>
/// <param name="message">What is wrong, and with which argument.</param>
/// <param name="hint">Where to read on.</param>
internal sealed class UsageException(string message, string hint) : Exception(message)
{
    /// <summary>Where to read on.</summary>
    public string Hint { get; } = hint;
}
