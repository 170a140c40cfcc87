using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Mosaik.Hybrid.Diagnostics;

/// <summary>All instruments of one meter, made once however many networks and groups are measured by it.</summary>
/// <remarks>
/// A meter keeps its instruments until it is disposed of, so what is observed are the networks and groups that run at
/// that moment: they come and go, the instruments stay.
/// </remarks>
internal sealed class MosaikMeter
{
    private static readonly Meter s_shared = new(MosaikTelemetry.MeterName);
    private static readonly ConditionalWeakTable<Meter, MosaikMeter> s_known = [];

    private MosaikMeter(Meter meter)
    {
        Groups = new GroupInstruments(meter);
        Networks = new NetworkInstruments(meter);
    }

    /// <summary>What is measured of groups.</summary>
    public GroupInstruments Groups { get; }

    /// <summary>What is measured of networks.</summary>
    public NetworkInstruments Networks { get; }

    /// <summary>The instruments of a factory's meter.</summary>
    /// <param name="factory">Who owns the meter; null for one that the process shares.</param>
    public static MosaikMeter Of(IMeterFactory? factory) =>
        s_known.GetValue(
            factory?.Create(MosaikTelemetry.MeterName) ?? s_shared,
            static meter => new MosaikMeter(meter)
        );
}
