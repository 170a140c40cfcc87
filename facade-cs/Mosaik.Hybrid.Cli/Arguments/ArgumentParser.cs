namespace Mosaik.Hybrid.Cli.Arguments;

/// <summary>Reads <c>--name value</c>, <c>--name=value</c> and <c>--flag</c> against a command's options.</summary>
internal static class ArgumentParser
{
    /// <summary>Reads the arguments that follow the command's name.</summary>
    /// <exception cref="UsageException">They don't fit the command.</exception>
    public static ParsedArguments Parse(CommandSpec spec, IReadOnlyList<string> arguments)
    {
        var values = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        for (var place = 0; place < arguments.Count; place++)
        {
            if (arguments[place] is "--help" or "-h")
            {
                return new ParsedArguments(spec, values, isHelpWanted: true);
            }

            if (spec.Operand is { } operand && !arguments[place].StartsWith("--", StringComparison.Ordinal))
            {
                Keep(spec, values, operand, arguments[place]);
                continue;
            }

            var (option, inline) = OptionOf(spec, arguments[place]);
            var value = inline;
            if (option.ValueName is null && inline is not null)
            {
                throw Wrong(spec, $"--{option.Name} takes no value; write it alone.");
            }

            if (option.ValueName is not null && inline is null)
            {
                value =
                    ++place < arguments.Count && !arguments[place].StartsWith("--", StringComparison.Ordinal)
                        ? arguments[place]
                        : throw Wrong(
                            spec,
                            $"--{option.Name} needs a value: --{option.Name} {option.ValueName}."
                        );
            }

            Keep(spec, values, option, value ?? "");
        }

        return new ParsedArguments(spec, values, isHelpWanted: false);
    }

    /// <summary>Says that a word is unknown, and which one may have been meant.</summary>
    public static string Unknown(string kind, string word, IEnumerable<string> known)
    {
        var nearest = known.MinBy(candidate => Distance(word, candidate));
        return nearest is not null && Distance(word, nearest) <= 2
            ? $"There is no {kind} '{word}'. Did you mean '{nearest}'?"
            : $"There is no {kind} '{word}'.";
    }

    /// <summary>An error with the place where to read on.</summary>
    public static UsageException Wrong(CommandSpec spec, string message) =>
        new(message, $"Run 'mosaik {spec.Name} --help' for all options.");

    private static (OptionSpec Option, string? Value) OptionOf(CommandSpec spec, string argument)
    {
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            throw Wrong(spec, $"'{argument}' is not an option; options begin with two dashes.");
        }

        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? argument[2..] : argument[2..equals];
        foreach (var option in spec.Options)
        {
            if (option.Name == name)
            {
                return (option, equals < 0 ? null : argument[(equals + 1)..]);
            }
        }

        throw Wrong(spec, Unknown("option", "--" + name, spec.Options.Select(option => "--" + option.Name)));
    }

    private static void Keep(
        CommandSpec spec,
        Dictionary<string, List<string>> values,
        OptionSpec option,
        string value
    )
    {
        if (!values.TryAdd(option.Name, [value]))
        {
            if (!option.IsRepeatable)
            {
                throw Wrong(spec, $"--{option.Name} is given twice; give it once.");
            }

            values[option.Name].Add(value);
        }
    }

    /// <summary>The least number of inserted, deleted or changed characters between two words.</summary>
    private static int Distance(string left, string right)
    {
        var costs = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var row = 1; row <= left.Length; row++)
        {
            var diagonal = costs[0];
            costs[0] = row;
            for (var column = 1; column <= right.Length; column++)
            {
                var change = diagonal + (left[row - 1] == right[column - 1] ? 0 : 1);
                diagonal = costs[column];
                costs[column] = Math.Min(change, Math.Min(costs[column], costs[column - 1]) + 1);
            }
        }

        return costs[right.Length];
    }
}
