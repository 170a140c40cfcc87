using System.Diagnostics.Metrics;
using System.Text;

namespace Mosaik.Hybrid.Hosting.Metrics;

/// <summary>The series of one instrument: one for each set of tags that it came with.</summary>
/// <remarks>
/// Any thread measures. Known series are found without a lock and without making anything, since instruments have few; a
/// new one replaces the list.
/// </remarks>
internal sealed class InstrumentSeries
{
    /// <summary>How many series an instrument may have.</summary>
    public const int SeriesMax = 1_000;

    /// <summary>For histograms that do not say better: those of the .NET libraries for durations.</summary>
    private static readonly double[] s_bounds =
    [
        0.005,
        0.01,
        0.025,
        0.05,
        0.075,
        0.1,
        0.25,
        0.5,
        0.75,
        1,
        2.5,
        5,
        7.5,
        10,
    ];

    private readonly Lock _gate = new();
    private readonly bool _isSummed;
    private readonly double[]? _bounds;
    private volatile Series[] _series = [];
    private long _dropped;

    /// <summary>Prepares the series of an instrument.</summary>
    public InstrumentSeries(Instrument instrument)
    {
        var type = instrument.GetType();
        var shape = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        var isCounter = shape == typeof(Counter<>) || shape == typeof(ObservableCounter<>);
        var isHistogram = shape == typeof(Histogram<>);
        _isSummed =
            isCounter || shape == typeof(UpDownCounter<>) || shape == typeof(ObservableUpDownCounter<>);
        IsObservable = instrument.IsObservable;
        Description = instrument.Description ?? "";
        Kind =
            isCounter ? "counter"
            : isHistogram ? "histogram"
            : "gauge";
        Name = PageText.Name(instrument.Name, instrument.Unit, isCounter);
        _bounds = isHistogram ? BoundsOf(instrument) : null;
    }

    /// <summary>The name on the page.</summary>
    public string Name { get; }

    /// <summary>What the instrument says of itself.</summary>
    public string Description { get; }

    /// <summary><c>counter</c>, <c>gauge</c> or <c>histogram</c>.</summary>
    public string Kind { get; }

    /// <summary>True when it speaks only when it is asked.</summary>
    public bool IsObservable { get; }

    /// <summary>How many measurements belong to no series, because there are too many.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>A measurement.</summary>
    public void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (Find(_series, tags) is { } known || (known = Add(tags)) is not null)
        {
            known.Take(value, _isSummed);
        }
        else
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Forgets all series.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _series = [];
        }
    }

    /// <summary>Writes all series.</summary>
    public void Render(StringBuilder text)
    {
        foreach (var series in _series)
        {
            series.Render(Name, text);
        }
    }

    private static double[] BoundsOf(Instrument instrument)
    {
        var advised = instrument switch
        {
            Instrument<double> { Advice.HistogramBucketBoundaries: { } bounds } => bounds,
            Instrument<float> { Advice.HistogramBucketBoundaries: { } bounds } => bounds.Select(
                static bound => (double)bound
            ),
            Instrument<long> { Advice.HistogramBucketBoundaries: { } bounds } => bounds.Select(static bound =>
                (double)bound
            ),
            Instrument<int> { Advice.HistogramBucketBoundaries: { } bounds } => bounds.Select(static bound =>
                (double)bound
            ),
            _ => s_bounds,
        };
        return [.. advised];
    }

    private Series? Add(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_gate)
        {
            if (Find(_series, tags) is { } known)
            {
                return known;
            }

            // Another place may give the same tags in another order.
            var labels = PageText.Labels(tags.ToArray());
            if (Array.Find(_series, series => series.Labels == labels) is { } same)
            {
                return same;
            }

            if (_series.Length >= SeriesMax)
            {
                return null;
            }

            var added = _bounds is null ? new Series(tags) : new HistogramSeries(tags, _bounds);
            _series = [.. _series, added];
            return added;
        }
    }

    private static Series? Find(Series[] series, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (var one in series)
        {
            if (one.Has(tags))
            {
                return one;
            }
        }

        return null;
    }
}
