using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Mosaik.Hybrid.Hosting.Options;

/// <summary>Reads one setting into options of one type.</summary>
/// <param name="Name">As the property is called.</param>
/// <param name="Allowed">What it may be, to end a sentence with.</param>
/// <param name="Read">Reads the section of this name; notes what it can't understand.</param>
internal sealed record Setting<TOptions>(
    string Name,
    string Allowed,
    Action<TOptions, IConfigurationSection, IList<string>> Read
);

/// <summary>All settings of one section. What a section says besides is a fault: a typing error must not be a default.</summary>
/// <remarks>Written out and not read by reflection, so that every setting knows what it may be, and trimming does no harm.</remarks>
internal sealed class SettingTable<TOptions>
{
    private readonly Dictionary<string, Setting<TOptions>> _settings = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The names.</summary>
    public IEnumerable<string> Names => _settings.Values.Select(static setting => setting.Name);

    public SettingTable<TOptions> Text(string name, string allowed, Action<TOptions, string> set) =>
        Value(name, allowed, static text => (true, text), set);

    public SettingTable<TOptions> Flag(string name, Action<TOptions, bool> set) =>
        Value(name, "true or false", static text => (bool.TryParse(text, out var value), value), set);

    public SettingTable<TOptions> Number(string name, string allowed, Action<TOptions, int> set) =>
        Value(
            name,
            $"a whole number, {allowed}",
            static text =>
                (
                    int.TryParse(
                        text,
                        NumberStyles.AllowLeadingSign,
                        CultureInfo.InvariantCulture,
                        out var value
                    ),
                    value
                ),
            set
        );

    public SettingTable<TOptions> Time(string name, string allowed, Action<TOptions, TimeSpan> set) =>
        Value(
            name,
            $"a time such as 00:00:02.500, {allowed}",
            static text => (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value), value),
            set
        );

    public SettingTable<TOptions> Choice<TChoice>(string name, Action<TOptions, TChoice> set)
        where TChoice : struct, Enum =>
        Value(
            name,
            $"one of {string.Join(", ", Enum.GetNames<TChoice>())}",
            static text =>
                (
                    Enum.TryParse<TChoice>(text, ignoreCase: true, out var value)
                        && Enum.IsDefined(value)
                        && !char.IsAsciiDigit(text[0]),
                    value
                ),
            set
        );

    /// <summary>A list: a section with a value for each, or one text with commas, which is easier in an environment variable.</summary>
    public SettingTable<TOptions> List(string name, string allowed, Func<TOptions, IList<string>> list) =>
        Add(
            name,
            allowed,
            (options, section, _) =>
            {
                var values = section.Value is { } text
                    ? text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    : section.GetChildren().Select(static item => item.Value ?? "");
                foreach (var value in values)
                {
                    list(options).Add(value);
                }
            }
        );

    /// <summary>A section with settings of its own.</summary>
    public SettingTable<TOptions> Section<TInner>(
        string name,
        SettingTable<TInner> table,
        Func<TOptions, TInner> inner
    ) =>
        Add(
            name,
            "a section",
            (options, section, faults) => table.Read(section, section.Path, inner(options), faults)
        );

    /// <summary>A section that somebody else reads.</summary>
    public SettingTable<TOptions> Skip(string name) => Add(name, "a section", static (_, _, _) => { });

    /// <summary>Reads all settings of a section.</summary>
    /// <param name="section">What to read.</param>
    /// <param name="path">How messages call it.</param>
    /// <param name="options">What is set.</param>
    /// <param name="faults">Gets a sentence for everything that can't be understood.</param>
    public void Read(IConfiguration section, string path, TOptions options, IList<string> faults)
    {
        foreach (var child in section.GetChildren())
        {
            if (_settings.TryGetValue(child.Key, out var setting))
            {
                setting.Read(options, child, faults);
            }
            else
            {
                faults.Add(
                    $"{SettingPath.Of(path, child.Key)} is not a setting; it may be {string.Join(", ", Names)}."
                );
            }
        }
    }

    private SettingTable<TOptions> Value<TValue>(
        string name,
        string allowed,
        Func<string, (bool IsUnderstood, TValue Value)> parse,
        Action<TOptions, TValue> set
    ) =>
        Add(
            name,
            allowed,
            (options, section, faults) =>
            {
                if (string.IsNullOrEmpty(section.Value))
                {
                    // An empty text stands for nothing: that is how configuration takes a value back.
                    if (section.GetChildren().Any())
                    {
                        faults.Add($"{section.Path} is a section; it must be {allowed}.");
                    }

                    return;
                }

                if (parse(section.Value) is (true, var value))
                {
                    set(options, value);
                }
                else
                {
                    faults.Add($"{section.Path} is '{section.Value}'; it must be {allowed}.");
                }
            }
        );

    private SettingTable<TOptions> Add(
        string name,
        string allowed,
        Action<TOptions, IConfigurationSection, IList<string>> read
    )
    {
        _settings.Add(name, new Setting<TOptions>(name, allowed, read));
        return this;
    }
}

/// <summary>How messages name a setting.</summary>
internal static class SettingPath
{
    public static string Of(string section, string name) =>
        section.Length == 0 ? name : $"{section}{ConfigurationPath.KeyDelimiter}{name}";
}
