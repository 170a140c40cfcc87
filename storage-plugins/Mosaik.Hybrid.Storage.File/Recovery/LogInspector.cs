using Mosaik.Hybrid.Storage.Files;
using Mosaik.Hybrid.Storage.Snapshots;

namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>Reads a whole store without changing it, and goes on after damage where it can.</summary>
internal sealed class LogInspector(
    StoreFiles files,
    StoreFiles snapshotFiles,
    CancellationToken cancellationToken
)
{
    private readonly List<FileLogDamage> _damages = [];
    private readonly List<FileLogSegment> _segments = [];
    private readonly LogReplay _replay = new();
    private bool _isBroken;
    private string? _tornTail;

    /// <summary>Reads everything.</summary>
    public FileLogReport Run()
    {
        var slot = Guarded(StateSlots.Name, () => StateSlots.Read(files, out _));
        var numbers = new List<ulong>();
        foreach (var name in files.List())
        {
            if (Segment.TryParse(name, out var number))
            {
                numbers.Add(number);
            }
        }

        numbers.Sort();
        SegmentHeader? first = null;
        SegmentScanner? scanner = null;
        for (var place = 0; place < numbers.Count; place++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            scanner = Inspect(numbers, place, scanner, slot, ref first);
        }

        CheckEnd(slot, scanner, numbers);
        return new FileLogReport(
            files.PathOf(""),
            (int)SegmentHeader.Version,
            slot?.Peer ?? first?.Peer,
            slot?.Group ?? first?.Group,
            _replay.Extent.Hard,
            slot?.IsClosed ?? false,
            slot?.Durability ?? Durability.Fsync,
            _replay.Extent.Base,
            _replay.Extent.Last,
            slot?.Last ?? LogPosition.Zero,
            _replay.Extent.Describe([]).TermRuns,
            _segments,
            InspectSnapshots(),
            _damages,
            _tornTail
        );
    }

    private SegmentScanner? Inspect(
        List<ulong> numbers,
        int place,
        SegmentScanner? before,
        StateSlot? slot,
        ref SegmentHeader? first
    )
    {
        var name = Segment.NameOf(numbers[place]);
        using var file = files.Open(name, writable: false);
        var bytes = new byte[checked((int)file.Length)];
        file.Read(bytes, 0);
        var header = Guarded(name, () => SegmentHeader.Read(bytes, file.Path, out _));
        if (header is null)
        {
            _isBroken = true;
            return null;
        }

        if (first is null)
        {
            first = header;
            _replay.Begin(header);
        }
        else if (numbers[place] != numbers[place - 1] + 1)
        {
            Report(
                Segment.NameOf(numbers[place] - 1),
                null,
                StorageFault.Corrupt,
                "This segment is missing."
            );
            Restart(header);
        }
        else if (
            before is null
            || before.NextBatch != header.FirstBatch
            || before.Chain != header.PreviousChain
        )
        {
            if (before is not null)
            {
                Report(
                    Segment.NameOf(numbers[place - 1]),
                    before.EndOffset,
                    StorageFault.Corrupt,
                    $"A record is damaged after entry {_replay.Extent.Last}."
                );
            }

            Restart(header);
        }

        CheckOwner(name, header, numbers[place], slot);
        return Take(name, file, bytes, header);
    }

    private SegmentScanner? Take(string name, StoreFile file, byte[] bytes, SegmentHeader header)
    {
        _ = SegmentHeader.Read(bytes, file.Path, out var chain);
        var scanner = new SegmentScanner(bytes, header, chain);
        _replay.Enter(new Segment(header.Number, file, bytes.Length));
        var records = _replay.Records;
        try
        {
            _replay.Take(scanner, ulong.MaxValue);
        }
        catch (StorageException exception)
        {
            Report(name, exception.Offset, exception.Fault, exception.Message);
            _isBroken = true;
        }

        _segments.Add(
            new FileLogSegment(
                name,
                bytes.Length,
                scanner.Offset,
                header.FirstBatch,
                scanner.NextBatch - header.FirstBatch,
                _replay.Records - records,
                _replay.Extent.Last
            )
        );
        return scanner;
    }

    /// <summary>Goes on after damage with what the next segment says of the log before it.</summary>
    private void Restart(SegmentHeader header)
    {
        _isBroken = true;
        _replay.Marks.Clear();
        _replay.Begin(header);
    }

    private void CheckOwner(string name, SegmentHeader header, ulong number, StateSlot? slot)
    {
        if (
            header.Number != number
            || (slot is not null && (header.Peer != slot.Peer || header.Group != slot.Group))
        )
        {
            Report(
                name,
                0,
                StorageFault.Corrupt,
                $"This file is segment {header.Number} of peer {header.Peer.Short} in group {header.Group.Short}."
            );
        }
    }

    private void CheckEnd(StateSlot? slot, SegmentScanner? last, List<ulong> numbers)
    {
        if (last is null)
        {
            if (slot is { Batch: > 0 })
            {
                Report(
                    Segment.NameOf(1),
                    null,
                    StorageFault.Lost,
                    $"The log is gone; {slot.Last} had been acknowledged."
                );
            }

            return;
        }

        var name = Segment.NameOf(numbers[^1]);
        if (last.FindLater() >= 0)
        {
            Report(
                name,
                last.EndOffset,
                StorageFault.Corrupt,
                $"A record is damaged after entry {_replay.Extent.Last}."
            );
        }
        else if (slot is not null && slot.Batch >= last.NextBatch)
        {
            Report(
                name,
                last.HasRemains ? last.EndOffset : last.Offset,
                last.HasRemains ? StorageFault.Corrupt : StorageFault.Lost,
                $"The log ends at entry {_replay.Extent.Last}; {slot.Last} had been acknowledged."
            );
        }
        else if (last.HasRemains)
        {
            _tornTail =
                $"A batch after {_replay.Extent.Last} was not written whole ({name}, offset {last.Offset}); the next start cuts it off.";
        }

        var extent = _replay.Extent;
        if (
            !_isBroken
            && extent.First <= extent.Last.Index
            && (_replay.Marks.Count == 0 || _replay.Marks.Lowest.First > extent.First.Value)
        )
        {
            Report(
                Segment.NameOf(numbers[0] - 1),
                null,
                StorageFault.Corrupt,
                $"The log begins after {extent.Base}, and this segment is missing."
            );
        }
    }

    private List<SnapshotInfo> InspectSnapshots()
    {
        var found = new List<SnapshotInfo>();
        if (!Directory.Exists(snapshotFiles.PathOf("")))
        {
            return found;
        }

        foreach (
            var name in snapshotFiles
                .List()
                .Where(static name => name.StartsWith("snapshot-", StringComparison.Ordinal))
        )
        {
            cancellationToken.ThrowIfCancellationRequested();
            var info = Guarded(
                name,
                () =>
                {
                    using var file = snapshotFiles.Open(name, writable: false);
                    return SnapshotForm.ReadWhole(file, cancellationToken);
                }
            );
            if (info is not null)
            {
                found.Add(info);
            }
        }

        return [.. found.OrderByDescending(static info => info.Position.Index.Value)];
    }

    private T? Guarded<T>(string name, Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (StorageException exception)
        {
            Report(name, exception.Offset, exception.Fault, exception.Message);
            return null;
        }
    }

    private void Report(string file, long? offset, StorageFault fault, string message) =>
        _damages.Add(new FileLogDamage(file, offset, fault, message));
}
