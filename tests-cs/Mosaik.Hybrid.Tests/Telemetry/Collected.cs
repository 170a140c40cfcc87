using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Mosaik.Hybrid.Tests.Telemetry;

/// <summary>Everything that a listener hears of one group, series by series.</summary>
internal sealed class Collected : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<
        (string Instrument, string Tags),
        (double Sum, long Count)
    > _series = [];
    private readonly ConcurrentDictionary<string, bool> _observed = [];
    private readonly string _network;

    /// <summary>Listens to one network of the process, by its name.</summary>
    public Collected(string network)
    {
        _network = network;
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == MosaikTelemetry.MeterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((i, value, tags, _) => Add(i, value, tags));
        _listener.SetMeasurementEventCallback<double>((i, value, tags, _) => Add(i, value, tags));
        _listener.Start();
    }

    /// <summary>The series of each instrument, tags as <c>name=value</c>, without network and group.</summary>
    public ILookup<string, string> Series =>
        _series.Keys.ToLookup(static key => key.Instrument, static key => key.Tags);

    /// <summary>The sum of what an instrument said, with these tags.</summary>
    public double Sum(string instrument, string tags = "") =>
        _series.GetValueOrDefault((instrument, tags)).Sum;

    /// <summary>How often an instrument spoke, with these tags.</summary>
    public long Count(string instrument, string tags = "") =>
        _series.GetValueOrDefault((instrument, tags)).Count;

    /// <summary>Reads what is observed, once: the sums of all nodes of the process.</summary>
    public void Observe()
    {
        foreach (var key in _series.Keys.Where(key => _observed.ContainsKey(key.Instrument)))
        {
            _series.TryRemove(key, out _);
        }

        _listener.RecordObservableInstruments();
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var others = new List<string>();
        var isOurs = false;
        foreach (var (name, said) in tags)
        {
            if (name == "mosaik.network")
            {
                isOurs = Equals(said, _network);
            }
            else if (name != "mosaik.group")
            {
                others.Add($"{name}={said}");
            }
        }

        if (!isOurs)
        {
            return;
        }

        if (instrument.IsObservable)
        {
            _observed[instrument.Name] = true;
        }

        _series.AddOrUpdate(
            (instrument.Name, string.Join(' ', others)),
            (value, 1),
            (_, known) => (known.Sum + value, known.Count + 1)
        );
    }
}
