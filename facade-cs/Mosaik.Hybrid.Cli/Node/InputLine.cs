using System.Globalization;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>What a line of input asks for.</summary>
internal enum Verb
{
    /// <summary>Set a key.</summary>
    Put,

    /// <summary>Ask for a key's value, after a round to a quorum.</summary>
    Get,

    /// <summary>Ask for a key's value as this node has it.</summary>
    Peek,

    /// <summary>Remove a key.</summary>
    Del,

    /// <summary>Wait until this node has applied an index.</summary>
    Wait,

    /// <summary>Say how this node does.</summary>
    Status,

    /// <summary>Say what the whole map looks like here.</summary>
    Digest,

    /// <summary>List the commands.</summary>
    Help,

    /// <summary>End.</summary>
    Quit,
}

/// <summary>A line of input that makes sense.</summary>
internal sealed record InputLine(Verb Verb, string Key = "", string Value = "", ulong Index = 0)
{
    /// <summary>The commands, for people.</summary>
    public const string Help = """
        Commands, one a line:
          put KEY VALUE   set a key; the value is the rest of the line
          del KEY         remove a key
          get KEY         ask for a value; sees everything acknowledged before, on any node
          peek KEY        ask for a value as this node has it; may be old
          status          leader, term, positions, log and snapshot, members and bonds
          digest          number of keys and SHA-256 of the whole map on this node
          wait INDEX      wait until this node has applied an index
          help            this list
          quit            leave the group and end; so does the end of the input
        """;

    private static readonly string[] s_verbs =
    [
        .. Enum.GetNames<Verb>().Select(name => name.ToLowerInvariant()),
    ];

    /// <summary>True for lines that have nothing to say: blank ones and comments.</summary>
    public static bool IsBlank(string line) =>
        string.IsNullOrWhiteSpace(line) || line.TrimStart().StartsWith('#');

    /// <summary>Reads a line.</summary>
    /// <exception cref="FormatException">It makes no sense; the message says how to write it.</exception>
    public static InputLine Parse(string line)
    {
        var text = line.Trim();
        var (word, rest) = Cut(text);
        return word switch
        {
            "put" => ParsePut(rest),
            "get" => new InputLine(Verb.Get, OneKey(word, rest)),
            "peek" => new InputLine(Verb.Peek, OneKey(word, rest)),
            "del" => new InputLine(Verb.Del, OneKey(word, rest)),
            "wait" => ParseWait(rest),
            "status" => Alone(Verb.Status, rest),
            "digest" => Alone(Verb.Digest, rest),
            "help" => Alone(Verb.Help, rest),
            "quit" or "exit" => Alone(Verb.Quit, rest),
            _ => throw new FormatException(
                Arguments.ArgumentParser.Unknown("command", Shorten(word), s_verbs)
                    + " Write 'help' for the list."
            ),
        };
    }

    private static InputLine ParsePut(string rest)
    {
        var (key, value) = Cut(rest);
        return value.Length == 0
            ? throw new FormatException("A put has a key and a value: put KEY VALUE.")
            : new InputLine(Verb.Put, key, value);
    }

    private static InputLine ParseWait(string rest) =>
        ulong.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? new InputLine(Verb.Wait, Index: index)
            : throw new FormatException("A wait has an index, a whole number: wait INDEX.");

    private static InputLine Alone(Verb verb, string rest) =>
        rest.Length == 0
            ? new InputLine(verb)
            : throw new FormatException($"'{verb.ToString().ToLowerInvariant()}' stands alone.");

    private static string OneKey(string word, string rest) =>
        rest.Length > 0 && !rest.Any(char.IsWhiteSpace)
            ? rest
            : throw new FormatException($"A {word} has one key, without spaces: {word} KEY.");

    private static (string Word, string Tail) Cut(string text)
    {
        for (var place = 0; place < text.Length; place++)
        {
            if (char.IsWhiteSpace(text[place]))
            {
                return (text[..place], text[place..].Trim());
            }
        }

        return (text, "");
    }

    private static string Shorten(string word) => word.Length <= 40 ? word : word[..40] + "...";
}
