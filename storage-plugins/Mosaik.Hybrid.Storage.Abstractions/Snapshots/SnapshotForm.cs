using System.Buffers.Binary;
using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.Snapshots;

/// <summary>The bytes of a snapshot file: a head, the content, and a foot that says what it is.</summary>
internal static class SnapshotForm
{
    public const int HeadSize = 64;
    public const uint Version = 1;
    private const int FootFixedSize = 64;
    private const int CheckBytes = 1024 * 1024;

    private static ReadOnlySpan<byte> HeadMagic => "MOSAIKSN"u8;

    private static ReadOnlySpan<byte> FootMagic => "MOSAIKSE"u8;

    /// <summary>The first bytes of a file.</summary>
    public static byte[] Head()
    {
        var head = new byte[HeadSize];
        HeadMagic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(12), HeadSize);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(60), Crc32C.Of(head.AsSpan(0, 60)));
        return head;
    }

    /// <summary>The last bytes of a file: the configuration, then a part of fixed size.</summary>
    public static byte[] Foot(SnapshotInfo info)
    {
        var configuration = info.Configuration.Length;
        var foot = new byte[configuration + FootFixedSize];
        info.Configuration.Span.CopyTo(foot);
        var place = foot.AsSpan(configuration);
        BinaryPrimitives.WriteUInt64LittleEndian(place, info.Position.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(place[8..], info.Position.Index.Value);
        BinaryPrimitives.WriteInt64LittleEndian(place[16..], info.Length);
        BinaryPrimitives.WriteInt32LittleEndian(place[24..], configuration);
        BinaryPrimitives.WriteUInt32LittleEndian(place[28..], info.Checksum);
        FootMagic.CopyTo(place[52..]);
        BinaryPrimitives.WriteUInt32LittleEndian(place[60..], Crc32C.Of(foot.AsSpan(0, foot.Length - 4)));
        return foot;
    }

    /// <summary>Reads head and foot of a file; not its content.</summary>
    /// <exception cref="StorageException">They are damaged, or a newer version wrote them.</exception>
    public static SnapshotInfo Read(StoreFile file)
    {
        var head = new byte[HeadSize];
        if (
            file.Read(head, 0) < HeadSize
            || !head.AsSpan(0, 8).SequenceEqual(HeadMagic)
            || BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(60)) != Crc32C.Of(head.AsSpan(0, 60))
        )
        {
            throw Damaged(file, 0);
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(8));
        if (version != Version)
        {
            throw new StorageException(
                StorageFault.Unsupported,
                $"The snapshot has format {version}; this version of the library reads {Version}. Run the version that wrote it.",
                file.Path
            );
        }

        return ReadFoot(file, HeadSize);
    }

    /// <summary>Reads a file as a whole: head, foot, and the checksum of its content.</summary>
    /// <exception cref="StorageException">It is damaged, or a newer version wrote it.</exception>
    public static SnapshotInfo ReadWhole(StoreFile file, CancellationToken cancellationToken)
    {
        var info = Read(file);
        var (length, checksum) = Sum(file, info.Length, cancellationToken);
        return length == info.Length && checksum == info.Checksum ? info : throw Damaged(file, HeadSize);
    }

    /// <summary>How much content there is, up to a limit, and its checksum.</summary>
    public static (long Length, uint Checksum) Sum(
        StoreFile file,
        long limit,
        CancellationToken cancellationToken
    )
    {
        var buffer = new byte[CheckBytes];
        var length = 0L;
        var checksum = 0u;
        while (length < limit)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, limit - length));
            var count = file.Read(part, HeadSize + length);
            if (count == 0)
            {
                break;
            }

            checksum = Crc32C.Append(checksum, part[..count]);
            length += count;
        }

        return (length, checksum);
    }

    /// <summary>Reads a foot that ends a file, before which stand so many bytes besides the content.</summary>
    public static SnapshotInfo ReadFoot(StoreFile file, int before)
    {
        var length = file.Length;
        var fixedPart = new byte[FootFixedSize];
        if (
            length < before + FootFixedSize
            || file.Read(fixedPart, length - FootFixedSize) < FootFixedSize
            || !fixedPart.AsSpan(52, 8).SequenceEqual(FootMagic)
        )
        {
            throw Damaged(file, Math.Max(0, length - FootFixedSize));
        }

        var size = BinaryPrimitives.ReadInt32LittleEndian(fixedPart.AsSpan(24));
        var start = length - FootFixedSize - size;
        if (size is < 0 or > SnapshotInfo.ConfigurationBytesMax || start < before)
        {
            throw Damaged(file, length - FootFixedSize);
        }

        var foot = new byte[size + FootFixedSize];
        file.Read(foot, start);
        var span = foot.AsSpan(size);
        if (BinaryPrimitives.ReadUInt32LittleEndian(span[60..]) != Crc32C.Of(foot.AsSpan(0, foot.Length - 4)))
        {
            throw Damaged(file, start);
        }

        return new SnapshotInfo(
            new LogPosition(
                new Term(BinaryPrimitives.ReadUInt64LittleEndian(span)),
                new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(span[8..]))
            ),
            foot.AsMemory(0, size),
            BinaryPrimitives.ReadInt64LittleEndian(span[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(span[28..])
        );
    }

    public static StorageException Damaged(StoreFile file, long offset) =>
        new(
            StorageFault.Corrupt,
            "The snapshot is damaged. Remove it only when another member has a newer one",
            file.Path,
            offset
        );
}
