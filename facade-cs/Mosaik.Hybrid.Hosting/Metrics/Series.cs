using System.Globalization;
using System.Text;

namespace Mosaik.Hybrid.Hosting.Metrics;

/// <summary>One series: a value, with its tags.</summary>
internal class Series
{
    private readonly KeyValuePair<string, object?>[] _tags;
    private double _value;

    /// <summary>Begins a series.</summary>
    public Series(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        _tags = tags.ToArray();
        Labels = PageText.Labels(_tags);
    }

    /// <summary>The tags as the page has them, without braces.</summary>
    public string Labels { get; }

    /// <summary>Guards what a series holds.</summary>
    protected Lock Gate { get; } = new();

    /// <summary>True for these tags in this order, in which one place in a program always gives them.</summary>
    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length != _tags.Length)
        {
            return false;
        }

        for (var place = 0; place < _tags.Length; place++)
        {
            if (_tags[place].Key != tags[place].Key || !Equals(_tags[place].Value, tags[place].Value))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A measurement.</summary>
    public virtual void Take(double value, bool isSummed)
    {
        lock (Gate)
        {
            _value = isSummed ? _value + value : value;
        }
    }

    /// <summary>Writes the series.</summary>
    public virtual void Render(string name, StringBuilder text)
    {
        double value;
        lock (Gate)
        {
            value = _value;
        }

        Line(text, name, Labels, PageText.Number(value));
    }

    /// <summary>Writes one line.</summary>
    protected static void Line(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(value).Append('\n');
    }
}

/// <summary>A series of a histogram.</summary>
internal sealed class HistogramSeries(ReadOnlySpan<KeyValuePair<string, object?>> tags, double[] bounds)
    : Series(tags)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    /// <inheritdoc/>
    public override void Take(double value, bool isSummed)
    {
        var bucket = Array.BinarySearch(bounds, value);
        lock (Gate)
        {
            // A bound belongs to its own bucket; what is greater than all bounds to the last.
            _counts[bucket >= 0 ? bucket : ~bucket]++;
            _sum += value;
        }
    }

    /// <inheritdoc/>
    public override void Render(string name, StringBuilder text)
    {
        long[] counts;
        double sum;
        lock (Gate)
        {
            counts = [.. _counts];
            sum = _sum;
        }

        var separator = Labels.Length > 0 ? "," : "";
        long total = 0;
        for (var bucket = 0; bucket < counts.Length; bucket++)
        {
            total += counts[bucket];
            var bound = bucket < bounds.Length ? PageText.Number(bounds[bucket]) : "+Inf";
            Line(
                text,
                name + "_bucket",
                $"{Labels}{separator}le=\"{bound}\"",
                total.ToString(CultureInfo.InvariantCulture)
            );
        }

        Line(text, name + "_sum", Labels, PageText.Number(sum));
        Line(text, name + "_count", Labels, total.ToString(CultureInfo.InvariantCulture));
    }
}
