using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Mosaik.Hybrid.Diagnostics;

/// <summary>Something whose figures are read when somebody collects them.</summary>
internal interface IObserved
{
    /// <summary>Tells it from others of its kind.</summary>
    KeyValuePair<string, object?>[] Tags { get; }
}

/// <summary>What runs at the moment, and instruments that read figures of it.</summary>
/// <remarks>Any thread. Nothing is computed, and nothing is kept up to date, while nobody collects.</remarks>
internal sealed class Observed<TSource>(Meter meter)
    where TSource : class, IObserved
{
    private readonly ConcurrentDictionary<TSource, bool> _running = [];

    /// <summary>From now on it is observed.</summary>
    public void Add(TSource source) => _running.TryAdd(source, true);

    /// <summary>It has ended; its series end.</summary>
    public void Remove(TSource source) => _running.TryRemove(source, out _);

    /// <summary>A figure that goes up and down, and means nothing when added up over nodes.</summary>
    public void Gauge(string name, string unit, string description, Func<TSource, long?> read) =>
        meter.CreateObservableGauge(name, () => Read(read), unit, description);

    /// <summary>How many there are of something.</summary>
    public void Level(string name, string unit, string description, Func<TSource, long?> read) =>
        meter.CreateObservableUpDownCounter(name, () => Read(read), unit, description);

    /// <summary>How many there are of something, by kind.</summary>
    public void Level(
        string name,
        string unit,
        string description,
        string tag,
        Func<TSource, IEnumerable<(string Kind, long Value)>> read
    ) => meter.CreateObservableUpDownCounter(name, () => ReadKinds(tag, read), unit, description);

    /// <summary>A figure that only grows.</summary>
    public void Count(string name, string unit, string description, Func<TSource, long> read) =>
        meter.CreateObservableCounter(name, () => Read(source => read(source)), unit, description);

    /// <summary>A figure that only grows, by kind.</summary>
    public void Count(
        string name,
        string unit,
        string description,
        string tag,
        Func<TSource, IEnumerable<(string Kind, long Value)>> read
    ) => meter.CreateObservableCounter(name, () => ReadKinds(tag, read), unit, description);

    private IEnumerable<Measurement<long>> Read(Func<TSource, long?> read)
    {
        foreach (var source in _running.Keys)
        {
            if (read(source) is { } value)
            {
                yield return new Measurement<long>(value, source.Tags);
            }
        }
    }

    private IEnumerable<Measurement<long>> ReadKinds(
        string tag,
        Func<TSource, IEnumerable<(string Kind, long Value)>> read
    )
    {
        foreach (var source in _running.Keys)
        {
            foreach (var (kind, value) in read(source))
            {
                yield return new Measurement<long>(value, [.. source.Tags, new(tag, kind)]);
            }
        }
    }
}
