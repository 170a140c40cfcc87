using System.Text.RegularExpressions;

namespace Mosaik.Hybrid.Api.Tests;

/// <summary>A fenced block of code in a document.</summary>
/// <param name="File">The document, below the root.</param>
/// <param name="Line">Where the code begins; from 1.</param>
/// <param name="Language">What the fence says.</param>
/// <param name="Kind">
/// What the comment before the fence says: <c>&lt;!-- snippet: program --&gt;</c> is a whole file,
/// <c>&lt;!-- snippet: members --&gt;</c> declares types that later snippets of the document use; without a
/// comment the code is statements.
/// </param>
/// <param name="Code">The text between the fences.</param>
internal sealed partial record Snippet(string File, int Line, string Language, string Kind, string Code)
{
    public const string Statements = "statements";
    public const string Members = "members";
    public const string Program = "program";

    /// <summary>Every block of one language in every document of the project.</summary>
    public static IEnumerable<Snippet> InDocuments(string language) =>
        Repository.Files(".md").SelectMany(ReadFrom).Where(snippet => snippet.Language == language);

    public override string ToString() => $"{File}:{Line}";

    private static IEnumerable<Snippet> ReadFrom(string path)
    {
        var text = System.IO.File.ReadAllText(path).ReplaceLineEndings("\n");
        return Block()
            .Matches(text)
            .Select(block => new Snippet(
                Repository.Relative(path),
                text[..block.Groups["code"].Index].Count(character => character == '\n') + 1,
                block.Groups["language"].Value,
                block.Groups["kind"] is { Success: true, Value: var kind } ? kind : Statements,
                block.Groups["code"].Value
            ));
    }

    [GeneratedRegex(
        @"(?:<!-- snippet: (?<kind>\w+) -->\n+)?^```(?<language>\w+)\n(?<code>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline
    )]
    private static partial Regex Block();
}
