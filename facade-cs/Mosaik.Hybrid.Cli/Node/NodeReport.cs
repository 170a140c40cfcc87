namespace Mosaik.Hybrid.Cli.Node;

/// <summary>What kind of thing a node says.</summary>
internal enum ReportKind
{
    /// <summary>The result of a command.</summary>
    Result,

    /// <summary>A command failed or made no sense.</summary>
    Failure,

    /// <summary>Something happened.</summary>
    Notice,

    /// <summary>Something happened that the user should look at.</summary>
    Warning,
}

/// <summary>One thing that a node says, for people and for programs.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Event">Its name for programs.</param>
/// <param name="Text">Its words for people; may have several lines.</param>
/// <param name="Fields">Its facts for programs: texts, numbers, booleans, lists of texts, null.</param>
internal sealed record NodeReport(
    ReportKind Kind,
    string Event,
    string Text,
    params IReadOnlyList<(string Name, object? Value)> Fields
);
