using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Mosaik.Hybrid.Storage.Files;

namespace Mosaik.Hybrid.Storage.Rocks;

/// <summary>Where a key lives.</summary>
internal enum RocksFamily
{
    /// <summary>RocksDB insists on it; empty.</summary>
    Default = 0,

    /// <summary>Entries by index.</summary>
    Log = 1,

    /// <summary>Everything that is known of the log: identity, hard state, base, last, terms, configurations.</summary>
    State = 2,
}

/// <summary>An open database: what the store needs of it, with errors as exceptions.</summary>
/// <remarks>Reads may run beside each other and beside one writer.</remarks>
internal sealed unsafe class RocksDatabase : IDisposable
{
    /// <summary>
    /// The end of the write-ahead log may be cut off, or look so: that is what a crash leaves, and the watermark tells
    /// whether more than a crash took it. A record whose checksum is wrong is damage, which the modes that stop at the
    /// first wrong record hide; the mode that allows nothing would refuse every batch that a crash has cut off.
    /// </summary>
    private const int TolerateCorruptedTailRecords = 0;
    private const ulong WalBytesMax = 256UL * 1024 * 1024;

    private static readonly string[] s_families = ["default", "log", "state"];

    private readonly string _path;
    private readonly nint _options;
    private readonly nint _writeOptions;
    private readonly nint _readOptions;
    private readonly nint _batch;
    private readonly nint[] _families = new nint[s_families.Length];
    private nint _database;

    /// <summary>Opens a database.</summary>
    /// <param name="path">Its directory.</param>
    /// <param name="isReadOnly">
    /// True: its files stay as they are, and it must exist. False: it is made if need be, and what its write-ahead log
    /// holds is moved into tables, which removes that log.
    /// </param>
    /// <exception cref="StorageException">It is damaged, in use, or can't be read.</exception>
    public RocksDatabase(string path, bool isReadOnly)
    {
        _path = path;
        _options = RocksApi.CreateOptions();
        RocksApi.SetCreateIfMissing(_options, 1);
        RocksApi.SetCreateMissingColumnFamilies(_options, 1);
        RocksApi.SetParanoidChecks(_options, 1);
        RocksApi.SetWalRecoveryMode(_options, TolerateCorruptedTailRecords);
        RocksApi.SetKeepLogFileNumber(_options, 2);
        RocksApi.SetMaxTotalWalSize(_options, WalBytesMax);
        _writeOptions = RocksApi.CreateWriteOptions();
        RocksApi.SetSync(_writeOptions, 1);
        _readOptions = RocksApi.CreateReadOptions();
        _batch = RocksApi.CreateBatch();
        try
        {
            Open(isReadOnly);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>True when a directory holds a database, sound or not.</summary>
    public static bool Exists(string path) => File.Exists(Path.Combine(path, "CURRENT"));

    /// <summary>Begins the next batch.</summary>
    public void Begin() => RocksApi.ClearBatch(_batch);

    /// <summary>Adds a value to the batch.</summary>
    public void Put(RocksFamily family, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* keys = key)
        fixed (byte* values = value)
        {
            RocksApi.Put(
                _batch,
                _families[(int)family],
                keys,
                (nuint)key.Length,
                values,
                (nuint)value.Length
            );
        }
    }

    /// <summary>Adds the removal of all keys from one on to before another.</summary>
    public void DeleteRange(RocksFamily family, ReadOnlySpan<byte> first, ReadOnlySpan<byte> end)
    {
        fixed (byte* firsts = first)
        fixed (byte* ends = end)
        {
            RocksApi.DeleteRange(
                _batch,
                _families[(int)family],
                firsts,
                (nuint)first.Length,
                ends,
                (nuint)end.Length
            );
        }
    }

    /// <summary>Makes the batch durable, as a unit.</summary>
    public void Commit()
    {
        byte* error = null;
        RocksApi.Write(_database, _writeOptions, _batch, &error);
        Check(error);
    }

    /// <summary>A value; null when the key is not there.</summary>
    public byte[]? Get(RocksFamily family, ReadOnlySpan<byte> key)
    {
        fixed (byte* keys = key)
        {
            byte* error = null;
            nuint length;
            var value = RocksApi.Get(
                _database,
                _readOptions,
                _families[(int)family],
                keys,
                (nuint)key.Length,
                &length,
                &error
            );
            Check(error);
            if (value == null)
            {
                return null;
            }

            var copy = new ReadOnlySpan<byte>(value, (int)length).ToArray();
            RocksApi.Free(value);
            return copy;
        }
    }

    /// <summary>Reads keys in order from one on, as they all were at one moment, until told to stop.</summary>
    public void Scan(RocksFamily family, ReadOnlySpan<byte> first, Func<byte[], byte[], bool> take)
    {
        var iterator = RocksApi.CreateIterator(_database, _readOptions, _families[(int)family]);
        try
        {
            fixed (byte* keys = first)
            {
                RocksApi.Seek(iterator, keys, (nuint)first.Length);
            }

            while (RocksApi.IsValid(iterator) != 0)
            {
                nuint keyLength;
                nuint valueLength;
                var key = RocksApi.Key(iterator, &keyLength);
                var value = RocksApi.Value(iterator, &valueLength);
                var isTaken = take(
                    new ReadOnlySpan<byte>(key, (int)keyLength).ToArray(),
                    new ReadOnlySpan<byte>(value, (int)valueLength).ToArray()
                );
                if (!isTaken)
                {
                    return;
                }

                RocksApi.MoveNext(iterator);
            }

            byte* error = null;
            RocksApi.GetError(iterator, &error);
            Check(error);
        }
        finally
        {
            RocksApi.DestroyIterator(iterator);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_database != 0)
        {
            foreach (var family in _families)
            {
                RocksApi.DestroyFamily(family);
            }

            RocksApi.Close(_database);
            _database = 0;
        }

        RocksApi.DestroyBatch(_batch);
        RocksApi.DestroyReadOptions(_readOptions);
        RocksApi.DestroyWriteOptions(_writeOptions);
        RocksApi.DestroyOptions(_options);
    }

    /// <summary>Eight bytes that sort like the number.</summary>
    public static byte[] KeyOf(ulong number)
    {
        var key = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(key, number);
        return key;
    }

    private void Open(bool isReadOnly)
    {
        var names = stackalloc byte*[s_families.Length];
        var familyOptions = stackalloc nint[s_families.Length];
        for (var place = 0; place < s_families.Length; place++)
        {
            names[place] = (byte*)Marshal.StringToCoTaskMemUTF8(s_families[place]);
            familyOptions[place] = _options;
        }

        try
        {
            fixed (byte* path = Encoding.UTF8.GetBytes(_path + '\0'))
            fixed (nint* families = _families)
            {
                byte* error = null;
                var count = s_families.Length;
                _database = isReadOnly
                    ? RocksApi.OpenForReadOnly(
                        _options,
                        path,
                        count,
                        names,
                        familyOptions,
                        families,
                        0,
                        &error
                    )
                    : RocksApi.Open(_options, path, count, names, familyOptions, families, &error);
                Check(error);
            }
        }
        finally
        {
            for (var place = 0; place < s_families.Length; place++)
            {
                Marshal.FreeCoTaskMem((nint)names[place]);
            }
        }
    }

    private void Check(byte* error)
    {
        if (error == null)
        {
            return;
        }

        var text = Marshal.PtrToStringUTF8((nint)error) ?? "unknown";
        RocksApi.Free(error);
        throw text switch
        {
            _ when Says(text, "While lock file") || Says(text, "lock hold by") => new StorageException(
                StorageFault.Locked,
                $"Another process or another group has this store open. Stop it, or give this node a directory of its own: {text}",
                _path
            ),
            _ when Says(text, "No space left") => new StorageException(
                StorageFault.Full,
                $"No space is left on the device. Make room, then start the node again: {text}",
                _path
            ),
            _ when Says(text, "Corruption") => new StorageException(
                StorageFault.Corrupt,
                $"RocksDB found damage: {text}. " + Advice.Damaged,
                _path
            ),
            _ => new StorageException(StorageFault.Io, $"RocksDB failed: {text}", _path),
        };
    }

    private static bool Says(string text, string words) => text.Contains(words, StringComparison.Ordinal);
}
