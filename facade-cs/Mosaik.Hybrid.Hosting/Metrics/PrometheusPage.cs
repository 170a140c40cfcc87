using System.Diagnostics.Metrics;
using Mosaik.Hybrid.Hosting.Metrics;

namespace Mosaik.Hybrid.Hosting;

/// <summary>What this host's nodes and groups measure, as a page for Prometheus. A service of hosts.</summary>
/// <remarks>
/// Safe from any thread. It counts from the moment when it is made, so it is made when the host starts; see
/// <see cref="MosaikBuilder.AddPrometheus"/>. Bounded: an instrument has at most 1,000 series, and what comes with other
/// tags is counted in <c>mosaik_prometheus_measurements_dropped_total</c>.
/// </remarks>
public sealed class PrometheusPage : IDisposable
{
    /// <summary>The media type of the page: the text format of Prometheus, version 0.0.4.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly MeterListener _listener = new();
    private readonly Lock _rendering = new();
    private readonly SeriesBook _book = new();
    private bool _isDisposed;

    internal PrometheusPage(IMeterFactory? factory, IEnumerable<string> meters)
    {
        HashSet<string> names = [MosaikTelemetry.MeterName, .. meters];
        // A container's meters are its own; those of others in this process, of another host say, have other pages.
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            var scope = instrument.Meter.Scope;
            if (names.Contains(instrument.Meter.Name) && (scope is null || ReferenceEquals(scope, factory)))
            {
                listener.EnableMeasurementEvents(instrument, _book.Open(instrument));
            }
        };
        _listener.MeasurementsCompleted = (instrument, _) => _book.Close(instrument);
        _listener.SetMeasurementEventCallback<byte>(Take);
        _listener.SetMeasurementEventCallback<short>(Take);
        _listener.SetMeasurementEventCallback<int>(Take);
        _listener.SetMeasurementEventCallback<long>(Take);
        _listener.SetMeasurementEventCallback<float>(
            static (_, value, tags, series) => Take(value, tags, series)
        );
        _listener.SetMeasurementEventCallback<double>(
            static (_, value, tags, series) => Take(value, tags, series)
        );
        _listener.SetMeasurementEventCallback<decimal>(
            static (_, value, tags, series) => Take((double)value, tags, series)
        );
        _listener.Start();
    }

    /// <summary>The page as of now.</summary>
    /// <exception cref="ObjectDisposedException">The host has ended.</exception>
    public string Render()
    {
        // One at a time: what is observed is read anew for each page.
        lock (_rendering)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _book.ForgetObserved();
            _listener.RecordObservableInstruments();
            return _book.Render();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_rendering)
        {
            _isDisposed = true;
            _listener.Dispose();
        }
    }

    private static void Take<T>(
        Instrument instrument,
        T value,
        ReadOnlySpan<KeyValuePair<string, object?>> tags,
        object? series
    )
        where T : struct, IConvertible => Take(value.ToDouble(null), tags, series);

    private static void Take(
        double value,
        ReadOnlySpan<KeyValuePair<string, object?>> tags,
        object? series
    ) => ((InstrumentSeries)series!).Take(value, tags);
}
