using System.Globalization;
using System.Text;

namespace Mosaik.Hybrid.Hosting.Metrics;

/// <summary>Names, labels and numbers as Prometheus writes them.</summary>
internal static class PageText
{
    /// <summary>An instrument's name with its unit, as the conventions of OpenTelemetry for Prometheus have it.</summary>
    public static string Name(string name, string? unit, bool isCounter)
    {
        var text = new StringBuilder(Word(name));
        var suffix = unit switch
        {
            null or "" or "1" => "",
            "s" => "seconds",
            "ms" => "milliseconds",
            "By" => "bytes",
            // {commands}: a remark, not a unit.
            _ when unit.StartsWith('{') => "",
            _ => Word(unit),
        };
        if (suffix.Length > 0 && !name.EndsWith(suffix, StringComparison.Ordinal))
        {
            text.Append('_').Append(suffix);
        }

        return text.Append(isCounter ? "_total" : "").ToString();
    }

    /// <summary>Tags as labels, without braces, sorted; of two with one name the first counts.</summary>
    public static string Labels(IEnumerable<KeyValuePair<string, object?>> tags) =>
        string.Join(
            ',',
            tags.Select(static tag => (Name: Word(tag.Key), tag.Value))
                .DistinctBy(static label => label.Name)
                .OrderBy(static label => label.Name, StringComparer.Ordinal)
                .Select(static label => $"{label.Name}=\"{Value(label.Value)}\"")
        );

    /// <summary>A description on one line.</summary>
    public static string Help(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    /// <summary>A number; whole ones without a fraction.</summary>
    public static string Number(double value) =>
        value switch
        {
            double.PositiveInfinity => "+Inf",
            double.NegativeInfinity => "-Inf",
            double.NaN => "NaN",
            _ => value.ToString("R", CultureInfo.InvariantCulture),
        };

    private static string Value(object? value) =>
        Help(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
            .Replace("\"", "\\\"", StringComparison.Ordinal);

    private static string Word(string name)
    {
        var word = string.Concat(
            name.Select(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '_' ? letter : '_')
        );
        return word.Length > 0 && char.IsAsciiDigit(word[0]) ? "_" + word : word;
    }
}
