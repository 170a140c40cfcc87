using System.Text;
using System.Text.Json;

namespace Mosaik.Hybrid.Tests.Support;

/// <summary>A journal that can be saved.</summary>
/// <param name="paddingBytes">So many more bytes are in each snapshot.</param>
/// <param name="beforeWrite">Awaited before a snapshot is written, off the machine's loop.</param>
/// <param name="onApply">As of <see cref="Journal"/>.</param>
internal sealed class SavedJournal(
    int paddingBytes = 0,
    Func<Task>? beforeWrite = null,
    Action<string>? onApply = null
) : Journal(onApply), ISnapshotMachine
{
    /// <summary>Thrown by the next capture.</summary>
    public Exception? Fault { get; set; }

    /// <summary>How often it has become what a snapshot holds.</summary>
    public int Restores { get; private set; }

    public IMachineSnapshot CaptureSnapshot()
    {
        if (Fault is { } fault)
        {
            Fault = null;
            throw fault;
        }

        return new Captured(Commands, paddingBytes, beforeWrite);
    }

    public async ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
    {
        Restores++;
        using var reader = new StreamReader(source, Encoding.UTF8, leaveOpen: true);
        var text = await reader.ReadToEndAsync(cancellationToken);
        Become(JsonSerializer.Deserialize<string[]>(text.TrimEnd(' '))!);
    }

    private sealed class Captured(string[] commands, int padding, Func<Task>? beforeWrite) : IMachineSnapshot
    {
        public async ValueTask WriteAsync(Stream destination, CancellationToken cancellationToken)
        {
            if (beforeWrite is not null)
            {
                await beforeWrite();
            }

            await JsonSerializer.SerializeAsync(destination, commands, cancellationToken: cancellationToken);
            var spaces = new byte[Math.Min(padding, 1 << 16)];
            Array.Fill(spaces, (byte)' ');
            for (var left = padding; left > 0; left -= spaces.Length)
            {
                await destination.WriteAsync(
                    spaces.AsMemory(0, Math.Min(left, spaces.Length)),
                    cancellationToken
                );
            }
        }

        public void Dispose() { }
    }
}
