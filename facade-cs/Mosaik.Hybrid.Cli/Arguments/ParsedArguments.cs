using System.Globalization;

namespace Mosaik.Hybrid.Cli.Arguments;

/// <summary>The options that were given to a command.</summary>
internal sealed class ParsedArguments(
    CommandSpec spec,
    Dictionary<string, List<string>> values,
    bool isHelpWanted
)
{
    /// <summary>The command.</summary>
    public CommandSpec Spec => spec;

    /// <summary>True when <c>--help</c> was among the arguments; the others were not looked at.</summary>
    public bool IsHelpWanted => isHelpWanted;

    /// <summary>True when the option was given.</summary>
    public bool Has(string name) => values.ContainsKey(name);

    /// <summary>The option's value; null when it was not given.</summary>
    public string? Value(string name) => values.TryGetValue(name, out var given) ? given[0] : null;

    /// <summary>All values of a repeatable option, in order.</summary>
    public IReadOnlyList<string> Values(string name) => values.TryGetValue(name, out var given) ? given : [];

    /// <summary>What was given without a name.</summary>
    /// <exception cref="UsageException">Nothing was.</exception>
    public string Operand() =>
        spec.Operand is { } operand && Value(operand.Name) is { Length: > 0 } value
            ? value
            : throw ArgumentParser.Wrong(spec, $"{spec.Operand?.ValueName} is missing.");

    /// <summary>The value of an option that can't be left out.</summary>
    /// <exception cref="UsageException">It was.</exception>
    public string Required(string name) =>
        Value(name) is { Length: > 0 } value
            ? value
            : throw ArgumentParser.Wrong(spec, $"--{name} is missing.");

    /// <summary>A whole number within bounds.</summary>
    /// <exception cref="UsageException">It is something else.</exception>
    public long Number(string name, long fallback, long min, long max)
    {
        if (Value(name) is not { } text)
        {
            return fallback;
        }

        return
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= min
            && number <= max
            ? number
            : throw ArgumentParser.Wrong(
                spec,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"--{name} is '{text}'; write a whole number from {min:N0} to {max:N0}."
                )
            );
    }

    /// <summary>One of a few words.</summary>
    /// <exception cref="UsageException">It is none of them.</exception>
    public string Choice(string name, params IReadOnlyList<string> choices)
    {
        var text = Value(name) ?? choices[0];
        return choices.Contains(text)
            ? text
            : throw ArgumentParser.Wrong(
                spec,
                $"--{name} is '{text}'; choose {string.Join(" or ", choices)}."
            );
    }
}
