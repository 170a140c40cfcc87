using System.Buffers.Binary;
using System.Text;

namespace Mosaik.Hybrid.Storage.Files;

/// <summary>How a file of two slots is called and told from others.</summary>
/// <param name="Name">The file's name.</param>
/// <param name="Magic">Eight ASCII characters.</param>
/// <param name="Version">The version of the content's form.</param>
internal sealed record SlotForm(string Name, string Magic, uint Version);

/// <summary>A slot that was read whole.</summary>
/// <param name="Sequence">The higher one is newer.</param>
/// <param name="Place">Which slot it is.</param>
/// <param name="Content">What the owner wrote, and zeros.</param>
internal sealed record Slot(ulong Sequence, int Place, ReadOnlyMemory<byte> Content);

/// <summary>A small file that is written over and over: two slots, of which one is always whole.</summary>
/// <remarks>
/// A slot that is flushed becomes the anchor and is not touched until the other one is flushed; between flushes only
/// the other one is written. So a write without a flush costs a system call, survives the process, and can't harm what
/// a flush made durable.
/// </remarks>
internal sealed class SlotFile : IDisposable
{
    /// <summary>How many bytes of content a slot has.</summary>
    public const int ContentSize = SlotSize - ContentOffset - sizeof(uint);

    private const int SlotSize = 512;
    private const int SlotDistance = 4096;
    private const int ContentOffset = 24;

    private readonly StoreFile _file;
    private readonly SlotForm _form;
    private readonly byte[] _buffer = new byte[SlotSize];
    private int _anchor;

    private SlotFile(StoreFile file, SlotForm form, int anchor) =>
        (_file, _form, _anchor) = (file, form, anchor);

    /// <summary>Makes the file, durably, with both slots saying the same.</summary>
    public static SlotFile Create(StoreFiles files, SlotForm form, ulong sequence, ReadOnlySpan<byte> content)
    {
        var bytes = new byte[SlotDistance + SlotSize];
        Write(form, sequence, content, bytes);
        Write(form, sequence, content, bytes.AsSpan(SlotDistance));
        var temporary = form.Name + ".tmp";
        using (var file = files.Create(temporary))
        {
            file.Write(bytes, 0);
            file.Flush();
        }

        files.Rename(temporary, form.Name);
        files.SyncDirectory();
        return Open(files, form, 0);
    }

    /// <summary>Reads the newest slot that is whole; null when none is.</summary>
    /// <exception cref="StorageException">Another version wrote one.</exception>
    public static Slot? Read(StoreFiles files, SlotForm form)
    {
        using var file = files.Open(form.Name, writable: false);
        var first = Read(file, form, 0);
        var second = Read(file, form, 1);
        return second is null || (first is not null && first.Sequence >= second.Sequence) ? first : second;
    }

    /// <summary>Opens the file to go on from the slot that was read.</summary>
    public static SlotFile Open(StoreFiles files, SlotForm form, int place) =>
        new(files.Open(form.Name, writable: true), form, place);

    /// <summary>Replaces the slot that is no anchor.</summary>
    /// <param name="sequence">Higher than before.</param>
    /// <param name="content">At most <see cref="ContentSize"/> bytes.</param>
    /// <param name="flush">True: durable on return, and the new anchor.</param>
    public void Write(ulong sequence, ReadOnlySpan<byte> content, bool flush)
    {
        Write(_form, sequence, content, _buffer);
        _file.Write(_buffer, (1 - _anchor) * SlotDistance);
        if (flush)
        {
            _file.Flush();
            _anchor = 1 - _anchor;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static void Write(
        SlotForm form,
        ulong sequence,
        ReadOnlySpan<byte> content,
        Span<byte> destination
    )
    {
        destination[..SlotSize].Clear();
        Encoding.ASCII.GetBytes(form.Magic, destination);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], form.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], SlotSize);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], sequence);
        content.CopyTo(destination.Slice(ContentOffset, ContentSize));
        BinaryPrimitives.WriteUInt32LittleEndian(
            destination[(SlotSize - sizeof(uint))..],
            Crc32C.Of(destination[..(SlotSize - sizeof(uint))])
        );
    }

    private static Slot? Read(StoreFile file, SlotForm form, int place)
    {
        var bytes = new byte[SlotSize];
        var source = bytes.AsSpan();
        if (
            file.Read(bytes, place * SlotDistance) < SlotSize
            || Encoding.ASCII.GetString(source[..8]) != form.Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(source[(SlotSize - sizeof(uint))..])
                != Crc32C.Of(source[..(SlotSize - sizeof(uint))])
        )
        {
            return null;
        }

        Advice.CheckVersion(BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), form.Version, file.Path);
        return new Slot(
            BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
            place,
            bytes.AsMemory(ContentOffset, ContentSize)
        );
    }
}
