using System.Globalization;
using Mosaik.Hybrid;

namespace LeaderJobs;

/// <summary>The job of this number is done.</summary>
public sealed record Done(long Job);

/// <summary>Asks for the last job that is done.</summary>
public sealed record LastDone;

/// <summary>What the group replicates: how far the jobs are. So a new leader goes on where the last one stopped.</summary>
public sealed class Schedule : IStateMachine<Done, LastDone, long>, ISnapshotMachine
{
    private long _last;

    /// <inheritdoc/>
    public string Signature => "example.schedule/1";

    /// <inheritdoc/>
    public void Apply(Done command, in ApplyContext context) => _last = Math.Max(_last, command.Job);

    /// <inheritdoc/>
    public long Query(LastDone query) => _last;

    /// <inheritdoc/>
    public IMachineSnapshot CaptureSnapshot() => new Captured(_last);

    /// <inheritdoc/>
    public async ValueTask RestoreSnapshotAsync(Stream source, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(source);
        _last = long.Parse(await reader.ReadToEndAsync(cancellationToken), CultureInfo.InvariantCulture);
    }

    private sealed class Captured(long last) : IMachineSnapshot
    {
        public async ValueTask WriteAsync(Stream destination, CancellationToken cancellationToken)
        {
            await using var writer = new StreamWriter(destination, leaveOpen: true);
            await writer.WriteAsync(last.ToString(CultureInfo.InvariantCulture));
        }

        public void Dispose()
        {
            // A number holds nothing that is to be released.
        }
    }
}
