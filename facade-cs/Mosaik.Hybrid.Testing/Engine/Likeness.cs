using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>Decides whether two values of a user's type are alike, though the type may know no equality.</summary>
/// <remarks>
/// Simple values compare by Equals. Others are written as JSON at once, which also makes a view of a machine's own
/// collections harmless; what has no JSON compares by Equals. A user's comparer replaces all of it.
/// </remarks>
internal static class Likeness
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        IncludeFields = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        MaxDepth = 64,
    };

    /// <summary>A value as it is now.</summary>
    /// <param name="value">Of any type.</param>
    /// <param name="comparer">The user's; null for what is described above.</param>
    public static Likened Of<T>(T value, IEqualityComparer<T>? comparer = null) =>
        comparer is null
            ? new Likened(value, TextOf(value), null)
            : new Likened(
                value,
                null,
                (left, right) => left is T first && right is T second && comparer.Equals(first, second)
            );

    /// <summary>A value for people, in a line.</summary>
    public static string Show(object? value)
    {
        string text;
        try
        {
            text = TextOf(value) ?? value?.ToString() ?? "null";
        }
        catch (Exception exception)
        {
            // A ToString that throws must not hide what it was called for.
            text = $"(a {value?.GetType().Name} whose ToString threw {exception.GetType().Name})";
        }

        return Clip(text);
    }

    /// <summary>A text in one line that is not endless.</summary>
    public static string Clip(string text)
    {
        const int LengthMax = 300;
        text = text.ReplaceLineEndings(" ");
        return text.Length > LengthMax ? text[..LengthMax] + "..." : text;
    }

    private static string? TextOf(object? value)
    {
        if (value is null || IsSimple(value.GetType()))
        {
            return null;
        }

        try
        {
            var text = JsonSerializer.Serialize(value, value.GetType(), s_json);
            return text == "{}" ? null : text;
        }
        catch (Exception)
        {
            // No JSON for this type, or a property that threw: it compares by Equals.
            return null;
        }
    }

    private static bool IsSimple(Type type) =>
        type.IsPrimitive
        || type.IsEnum
        || type == typeof(string)
        || type == typeof(decimal)
        || type == typeof(Guid)
        || type == typeof(DateTime)
        || type == typeof(DateTimeOffset)
        || type == typeof(TimeSpan)
        || type.Assembly == typeof(LogIndex).Assembly;
}

/// <summary>A value that was looked at: its text then, or a comparer for it.</summary>
internal sealed class Likened(object? value, string? text, Func<object?, object?, bool>? comparer)
    : IEquatable<Likened>
{
    public object? Value => value;

    public bool Equals(Likened? other) =>
        other is not null
        && (
            comparer is not null ? comparer(value, other.Value)
            : text is not null && other.Text is not null ? text == other.Text
            : Equals(value, other.Value)
        );

    private string? Text => text;

    public override bool Equals(object? obj) => Equals(obj as Likened);

    /// <summary>The same for all: nothing keeps these in a hash table.</summary>
    public override int GetHashCode() => 0;

    public override string ToString() => text is null ? Likeness.Show(value) : Likeness.Clip(text);
}
