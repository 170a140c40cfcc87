using System.Globalization;

namespace LeaderJobs;

/// <summary>Whose turn it was to write what.</summary>
/// <param name="Fence">The fencing number of the leader that wrote it.</param>
/// <param name="Job">The job's number.</param>
public readonly record struct OutboxLine(long Fence, long Job)
{
    /// <summary>Reads a line.</summary>
    public static OutboxLine Parse(string line)
    {
        var words = line.Split(' ');
        return new OutboxLine(
            long.Parse(words[0], CultureInfo.InvariantCulture),
            long.Parse(words[1], CultureInfo.InvariantCulture)
        );
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Fence} {Job}");
}

/// <summary>What an attempt to write came to.</summary>
public enum OutboxAnswer
{
    /// <summary>It is written.</summary>
    Written,

    /// <summary>It had been written before: an earlier leader did so, and could not say so any more.</summary>
    KnownAlready,

    /// <summary>A later leader has written: whoever asked is deposed and does not know it yet.</summary>
    Fenced,
}

/// <summary>The world outside of the group, in which each job must happen once: a file, where a bank might be.</summary>
/// <remarks>
/// It does what fencing asks of the outside: it remembers the greatest number that it has seen, and refuses smaller ones.
/// All processes share it; only one at a time has it open.
/// </remarks>
public sealed class Outbox(string path, TimeProvider clock)
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(5);

    /// <summary>Writes a job, unless a later leader has written, or the job is written already.</summary>
    public async Task<OutboxAnswer> WriteAsync(OutboxLine line, CancellationToken cancellationToken)
    {
        await using var file = await OpenAsync(cancellationToken);
        using var reader = new StreamReader(file, leaveOpen: true);
        var last = default(OutboxLine);
        while (await reader.ReadLineAsync(cancellationToken) is { } text)
        {
            last = OutboxLine.Parse(text);
        }

        if (line.Fence < last.Fence)
        {
            return OutboxAnswer.Fenced;
        }

        if (line.Job <= last.Job)
        {
            return OutboxAnswer.KnownAlready;
        }

        // One write of a few bytes: a process that is killed has written the line or has not.
        await file.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"{line}\n"), CancellationToken.None);
        await file.FlushAsync(CancellationToken.None);
        return OutboxAnswer.Written;
    }

    private async Task<FileStream> OpenAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                // Another process has it open.
                await Task.Delay(s_retry, clock, cancellationToken);
            }
        }
    }
}
