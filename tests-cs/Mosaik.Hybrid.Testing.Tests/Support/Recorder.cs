namespace Mosaik.Hybrid.Testing.Tests.Support;

/// <summary>Keeps what it is told, at once and on the thread that tells it.</summary>
internal sealed class Recorder<T>(Action<T>? also = null) : IProgress<T>
{
    public List<T> Told { get; } = [];

    public void Report(T value)
    {
        Told.Add(value);
        also?.Invoke(value);
    }
}
