using Mosaik.Hybrid.Storage.Files;
using Mosaik.Hybrid.Storage.TestKit;

namespace Mosaik.Hybrid.Storage.Tests.Faults;

/// <summary>What a store does to a disk.</summary>
internal enum DiskCall
{
    Create,
    Write,
    Flush,
    SetLength,
    Rename,
    Delete,
    SyncDirectory,
}

/// <summary>A directory in memory that knows what is durable, loses the rest at a crash, and fails when told to.</summary>
/// <remarks>
/// At a crash every write since the last flush of its file is kept, lost or torn, each on its own; so is every change
/// of a name since the last sync of the directory. That is more than real disks do wrong.
/// </remarks>
internal sealed class FaultyDisk : StoreFiles
{
    private readonly Lock _gate = new();
    private readonly List<NameChange> _unsynced = [];
    private Dictionary<string, Inode> _names = [];
    private Dictionary<string, Inode> _durableNames = [];
    private bool _isLocked;

    private sealed record NameChange(string Name, Inode? Before, string? To, Inode? Inode);

    /// <summary>Called before every call that changes something; what it throws is the disk's fault.</summary>
    public Action<DiskCall, string>? OnCall { get; set; }

    /// <summary>How many calls have changed something.</summary>
    public int Calls { get; private set; }

    /// <summary>Every call, for tests that ask what was done after a failure.</summary>
    public List<(DiskCall Call, string Name)> Journal { get; } = [];

    /// <summary>The names that are there now.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (_gate)
            {
                return [.. _names.Keys.Order(StringComparer.Ordinal)];
            }
        }
    }

    public override long? FreeBytes => null;

    public override string PathOf(string name) => "disk/" + name;

    public override void EnsureDirectory() { }

    public override IReadOnlyList<string> List() => Names;

    public override StoreFile Create(string name) =>
        Do(
            DiskCall.Create,
            name,
            () =>
            {
                var inode = new Inode();
                Change(new NameChange(name, _names.GetValueOrDefault(name), null, inode));
                return new FaultyFile(this, name, inode);
            }
        );

    public override StoreFile Open(string name, bool writable)
    {
        lock (_gate)
        {
            return _names.TryGetValue(name, out var inode)
                ? new FaultyFile(this, name, inode)
                : throw new StorageException(StorageFault.Io, "There is no such file", PathOf(name));
        }
    }

    public override void Rename(string from, string to) =>
        Do(
            DiskCall.Rename,
            to,
            () =>
            {
                Change(new NameChange(from, _names[from], to, _names[from]));
                return 0;
            }
        );

    public override void Delete(string name) =>
        Do(
            DiskCall.Delete,
            name,
            () =>
            {
                if (_names.TryGetValue(name, out var inode))
                {
                    Change(new NameChange(name, inode, null, null));
                }

                return 0;
            }
        );

    public override void SyncDirectory() =>
        Do(
            DiskCall.SyncDirectory,
            "",
            () =>
            {
                _unsynced.Clear();
                _durableNames = new Dictionary<string, Inode>(_names);
                return 0;
            }
        );

    public override IDisposable Lock(string name)
    {
        lock (_gate)
        {
            if (_isLocked)
            {
                throw new StorageException(StorageFault.Locked, "Locked", PathOf(name));
            }

            _isLocked = true;
        }

        return new Unlock(this);
    }

    /// <summary>What the next process finds when this one is killed: all that was written, flushed or not.</summary>
    public FaultyDisk Killed() =>
        Copy(static disk => disk._names, static inode => inode.Content, static (_, content) => content);

    /// <summary>What is found after a power loss: what is durable, and of the rest what the dice say.</summary>
    public FaultyDisk PowerLost(Dice dice)
    {
        lock (_gate)
        {
            var names = new Dictionary<string, Inode>(_durableNames);
            foreach (var change in _unsynced.Where(_ => dice.OneIn(2)))
            {
                Apply(names, change);
            }

            return Copy(
                _ => names,
                static inode => inode.Durable,
                (inode, content) => inode.Survive(content, dice)
            );
        }
    }

    /// <summary>What is found when only so many bytes of the writes to one file since its last flush were written.</summary>
    public FaultyDisk TornAt(string name, int bytes)
    {
        lock (_gate)
        {
            return Copy(
                static disk => disk._names,
                inode => ReferenceEquals(inode, _names[name]) ? inode.Durable : inode.Content,
                (inode, content) =>
                    ReferenceEquals(inode, _names[name]) ? inode.Prefix(content, bytes) : content
            );
        }
    }

    /// <summary>How many bytes were written to a file since its last flush.</summary>
    public int UnflushedBytes(string name)
    {
        lock (_gate)
        {
            return _names[name].Pending.Sum(static write => write.Bytes?.Length ?? 0);
        }
    }

    /// <summary>The bytes of a file, to be damaged.</summary>
    public byte[] this[string name]
    {
        get
        {
            lock (_gate)
            {
                return [.. _names[name].Content];
            }
        }
        set
        {
            lock (_gate)
            {
                _names[name] = new Inode { Content = [.. value], Durable = [.. value] };
                _durableNames[name] = _names[name];
            }
        }
    }

    private FaultyDisk Copy(
        Func<FaultyDisk, Dictionary<string, Inode>> names,
        Func<Inode, List<byte>> start,
        Func<Inode, List<byte>, List<byte>> rest
    )
    {
        lock (_gate)
        {
            var copy = new FaultyDisk();
            foreach (var (name, inode) in names(this))
            {
                var content = rest(inode, [.. start(inode)]);
                copy._names[name] = new Inode { Content = content, Durable = [.. content] };
            }

            copy._durableNames = new Dictionary<string, Inode>(copy._names);
            return copy;
        }
    }

    private void Change(NameChange change)
    {
        Apply(_names, change);
        _unsynced.Add(change);
    }

    private static void Apply(Dictionary<string, Inode> names, NameChange change)
    {
        if (change.To is { } to)
        {
            names.Remove(change.Name);
            names[to] = change.Inode!;
        }
        else if (change.Inode is { } created)
        {
            names[change.Name] = created;
        }
        else if (names.GetValueOrDefault(change.Name) == change.Before)
        {
            names.Remove(change.Name);
        }
    }

    private T Do<T>(DiskCall call, string name, Func<T> action)
    {
        lock (_gate)
        {
            OnCall?.Invoke(call, name);
            Calls++;
            Journal.Add((call, name));
            return action();
        }
    }

    private sealed class Unlock(FaultyDisk disk) : IDisposable
    {
        public void Dispose()
        {
            lock (disk._gate)
            {
                disk._isLocked = false;
            }
        }
    }

    /// <summary>Bytes, and what of them has not been flushed.</summary>
    private sealed class Inode
    {
        private const int Sector = 512;

        public List<byte> Content { get; set; } = [];

        public List<byte> Durable { get; set; } = [];

        public List<(long Offset, byte[]? Bytes)> Pending { get; } = [];

        public void Write(long offset, byte[]? bytes)
        {
            Pending.Add((offset, bytes));
            Apply(Content, offset, bytes);
        }

        public void Flush()
        {
            foreach (var (offset, bytes) in Pending)
            {
                Apply(Durable, offset, bytes);
            }

            Pending.Clear();
        }

        public List<byte> Survive(List<byte> content, Dice dice)
        {
            foreach (var (offset, bytes) in Pending)
            {
                switch (dice.Below(4))
                {
                    case 0:
                        Apply(content, offset, bytes);
                        break;
                    case 1 when bytes is not null:
                        Apply(content, offset, bytes[..dice.Below(bytes.Length + 1)]);
                        break;
                    case 2 when bytes is not null:
                        SurviveBySectors(content, offset, bytes, dice);
                        break;
                    default:
                        break;
                }
            }

            return content;
        }

        public List<byte> Prefix(List<byte> content, int bytes)
        {
            foreach (var (offset, written) in Pending)
            {
                var taken = Math.Min(bytes, written?.Length ?? 0);
                Apply(content, offset, written?[..taken]);
                bytes -= taken;
            }

            return content;
        }

        private static void SurviveBySectors(List<byte> content, long offset, byte[] bytes, Dice dice)
        {
            for (var at = 0; at < bytes.Length; )
            {
                var length = Math.Min(bytes.Length - at, Sector - (int)((offset + at) % Sector));
                if (dice.OneIn(2))
                {
                    Apply(content, offset + at, bytes[at..(at + length)]);
                }

                at += length;
            }
        }

        private static void Apply(List<byte> content, long offset, byte[]? bytes)
        {
            if (bytes is null)
            {
                var length = (int)offset;
                if (length < content.Count)
                {
                    content.RemoveRange(length, content.Count - length);
                }
                else
                {
                    content.AddRange(new byte[length - content.Count]);
                }

                return;
            }

            if (bytes.Length == 0)
            {
                return;
            }

            var end = (int)offset + bytes.Length;
            if (end > content.Count)
            {
                content.AddRange(new byte[end - content.Count]);
            }

            bytes.CopyTo(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(content)[(int)offset..]);
        }
    }

    private sealed class FaultyFile(FaultyDisk disk, string name, Inode inode) : StoreFile
    {
        public override string Path => disk.PathOf(name);

        public override long Length
        {
            get
            {
                lock (disk._gate)
                {
                    return inode.Content.Count;
                }
            }
        }

        public override int Read(Span<byte> destination, long offset)
        {
            lock (disk._gate)
            {
                var count = (int)Math.Clamp(inode.Content.Count - offset, 0, destination.Length);
                System
                    .Runtime.InteropServices.CollectionsMarshal.AsSpan(inode.Content)
                    .Slice(count == 0 ? 0 : (int)offset, count)
                    .CopyTo(destination);
                return count;
            }
        }

        public override void Write(ReadOnlySpan<byte> source, long offset)
        {
            var bytes = source.ToArray();
            disk.Do(
                DiskCall.Write,
                name,
                () =>
                {
                    inode.Write(offset, bytes);
                    return 0;
                }
            );
        }

        public override void Flush() =>
            disk.Do(
                DiskCall.Flush,
                name,
                () =>
                {
                    inode.Flush();
                    return 0;
                }
            );

        public override void SetLength(long length) =>
            disk.Do(
                DiskCall.SetLength,
                name,
                () =>
                {
                    inode.Write(length, null);
                    return 0;
                }
            );

        public override void Dispose() { }
    }
}
