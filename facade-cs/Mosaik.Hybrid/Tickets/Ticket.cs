using System.Security.Cryptography;
using System.Text;

namespace Mosaik.Hybrid.Tickets;

/// <summary>An opaque credential that a peer attaches to its discovery entry.</summary>
/// <remarks>Immutable. Only the validator of its class knows what the data mean.</remarks>
public sealed class Ticket : IEquatable<Ticket>
{
    /// <summary>The most bytes of data that a ticket may carry: 8 KiB.</summary>
    public const int DataLengthMax = 8 * 1024;

    /// <summary>The longest class name, in UTF-8 bytes: 128.</summary>
    public const int ClassLengthMax = 128;

    /// <summary>Creates a ticket.</summary>
    /// <param name="class">What kind of ticket; matches <see cref="ITicketValidator.Class"/>. 1 to 128 bytes of UTF-8.</param>
    /// <param name="data">At most 8 KiB; copied.</param>
    /// <exception cref="ArgumentException">A length is out of range.</exception>
    public Ticket(string @class, ReadOnlySpan<byte> data)
    {
        ArgumentException.ThrowIfNullOrEmpty(@class);
        if (Encoding.UTF8.GetByteCount(@class) > ClassLengthMax)
        {
            throw new ArgumentException(
                $"A ticket's class is at most {ClassLengthMax} bytes.",
                nameof(@class)
            );
        }

        if (data.Length > DataLengthMax)
        {
            throw new ArgumentException($"A ticket's data are at most {DataLengthMax} bytes.", nameof(data));
        }

        Class = @class;
        Data = data.ToArray();
        Id = ComputeId();
    }

    /// <summary>What kind of ticket.</summary>
    public string Class { get; }

    /// <summary>The credential.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>SHA-256 of the class (UTF-8, preceded by its length as 4 little-endian bytes) and the data, in lowercase hex.</summary>
    public string Id { get; }

    /// <inheritdoc/>
    public bool Equals(Ticket? other) => other is not null && other.Id == Id;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Ticket);

    /// <inheritdoc/>
    public override int GetHashCode() => Id.GetHashCode(StringComparison.Ordinal);

    /// <summary>Class and id; never the data.</summary>
    public override string ToString() => $"{Class} {Id[..10]}";

    private string ComputeId()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var name = Encoding.UTF8.GetBytes(Class);
        hash.AppendData([(byte)name.Length, (byte)(name.Length >> 8), 0, 0]);
        hash.AppendData(name);
        hash.AppendData(Data.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
