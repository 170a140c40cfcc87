using System.Buffers;

namespace Mosaik.Hybrid;

/// <summary>Turns a user's commands into bytes and back.</summary>
/// <remarks>
/// The bytes are stored and replicated as they are, and outlive the process that wrote them: what a codec once wrote
/// it must be able to read. Called from several threads at once.
/// </remarks>
/// <typeparam name="T">The type of command.</typeparam>
public interface ICommandCodec<T>
{
    /// <summary>Name and version of the format.</summary>
    /// <value>
    /// 1 to 128 bytes of UTF-8, such as <c>json/1</c>. Part of the GroupId: members that would not understand each
    /// other never meet. Constant.
    /// </value>
    string Name { get; }

    /// <summary>Appends the bytes of one command.</summary>
    /// <exception cref="Exception">
    /// Any: the value can't be encoded. The caller gets it inside a <see cref="CommandEncodingException"/>, and
    /// nothing is sent.
    /// </exception>
    void Encode(T value, IBufferWriter<byte> output);

    /// <summary>Reads one command from exactly the bytes that an <see cref="Encode"/> on some member wrote.</summary>
    /// <param name="bytes">Never changed afterwards, so the result may be a view of it.</param>
    /// <exception cref="Exception">
    /// Any: the bytes make no sense. It ends the group on this node, as a failed apply does, because the command is
    /// committed.
    /// </exception>
    T Decode(ReadOnlyMemory<byte> bytes);
}
