using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Mosaik.Hybrid.Storage;

namespace CustomStorage;

/// <summary>A log in one file: record after record, each behind its length and its checksum.</summary>
/// <remarks>Never gives space back, and reads all of it at the start: a beginning, not an end.</remarks>
public sealed class OneFileStore(string directory) : RecordedLogStore(directory)
{
    private const int HeadSize = 8;
    private readonly string _path = Path.Combine(directory, "log");
    private SafeFileHandle? _file;
    private long _end;

    protected override IEnumerable<ReadOnlyMemory<byte>> ReadRecords()
    {
        _file = File.OpenHandle(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        var rest = new ReadOnlyMemory<byte>(File.ReadAllBytes(_path));
        while (rest.Length >= HeadSize)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
            if (length < 0 || length > rest.Length - HeadSize)
            {
                break;
            }

            var record = rest.Slice(HeadSize, length);
            if (Crc32C.Of(record.Span) != BinaryPrimitives.ReadUInt32LittleEndian(rest.Span[4..]))
            {
                // A crash cuts the last record short. One that has its length and is wrong is damage.
                throw new StorageException(StorageFault.Corrupt, "A record is damaged.", _path, _end);
            }

            yield return record;
            _end += HeadSize + length;
            rest = rest[(HeadSize + length)..];
        }
    }

    protected override string? FinishReading()
    {
        var cut = RandomAccess.GetLength(_file!) - _end;
        RandomAccess.SetLength(_file!, _end);
        DiskSync.File(_file!);
        return cut == 0 ? null : $"Cut off {cut} bytes of a record that was not written whole.";
    }

    protected override ValueTask AppendAsync(ReadOnlyMemory<byte> record)
    {
        var frame = new byte[HeadSize + record.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, record.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), Crc32C.Of(record.Span));
        record.CopyTo(frame.AsMemory(HeadSize));
        RandomAccess.Write(_file!, frame, _end);
        DiskSync.File(_file!);
        _end += frame.Length;
        return ValueTask.CompletedTask;
    }

    protected override void CloseRecords() => _file?.Dispose();
}
