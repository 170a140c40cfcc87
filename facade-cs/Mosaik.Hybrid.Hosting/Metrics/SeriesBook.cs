using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Mosaik.Hybrid.Hosting.Metrics;

/// <summary>The series of all instruments of a page.</summary>
internal sealed class SeriesBook
{
    private const string Dropped = "mosaik_prometheus_measurements_dropped_total";

    private readonly Lock _gate = new();
    private readonly Dictionary<Instrument, InstrumentSeries> _instruments = [];

    /// <summary>Begins to keep the series of an instrument.</summary>
    public InstrumentSeries Open(Instrument instrument)
    {
        lock (_gate)
        {
            return _instruments[instrument] = new InstrumentSeries(instrument);
        }
    }

    /// <summary>The instrument's meter has ended.</summary>
    public void Close(Instrument instrument)
    {
        lock (_gate)
        {
            _instruments.Remove(instrument);
        }
    }

    /// <summary>What is observed is about to be read anew: what has ended since is not there any more.</summary>
    public void ForgetObserved()
    {
        foreach (var instrument in All().Where(static instrument => instrument.IsObservable))
        {
            instrument.Clear();
        }
    }

    /// <summary>The page.</summary>
    public string Render()
    {
        var text = new StringBuilder();
        var all = All();
        // Two meters may have instruments of one name; a page has each name once, with the first one's type.
        foreach (
            var same in all.GroupBy(static instrument => instrument.Name)
                .OrderBy(static group => group.Key, StringComparer.Ordinal)
        )
        {
            var kind = same.First().Kind;
            text.Append(
                CultureInfo.InvariantCulture,
                $"# HELP {same.Key} {PageText.Help(same.First().Description)}\n"
            );
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {same.Key} {kind}\n");
            foreach (var instrument in same.Where(instrument => instrument.Kind == kind))
            {
                instrument.Render(text);
            }
        }

        text.Append(
            CultureInfo.InvariantCulture,
            $"# HELP {Dropped} Measurements of series beyond 1,000 of an instrument.\n"
        );
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {Dropped} counter\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"{Dropped} {all.Sum(static instrument => instrument.Dropped)}\n"
        );
        return text.ToString();
    }

    private InstrumentSeries[] All()
    {
        lock (_gate)
        {
            return [.. _instruments.Values];
        }
    }
}
