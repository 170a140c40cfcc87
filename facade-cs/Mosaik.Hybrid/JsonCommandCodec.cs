using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Mosaik.Hybrid;

/// <summary>Writes commands as UTF-8 JSON with System.Text.Json: the default codec.</summary>
/// <typeparam name="T">The type of command.</typeparam>
public sealed class JsonCommandCodec<T> : ICommandCodec<T>
{
    /// <summary>The name of the format with default options: <c>json/1</c>.</summary>
    public const string DefaultName = "json/1";

    private readonly JsonTypeInfo<T> _type;

    /// <summary>Creates a codec with the serializer's default options.</summary>
    public JsonCommandCodec()
        : this(JsonSerializerOptions.Default) { }

    /// <summary>Creates a codec with given options.</summary>
    /// <param name="options">Made read-only here.</param>
    /// <param name="name">Choose another one when the options change the bytes: it is part of the GroupId.</param>
    public JsonCommandCodec(JsonSerializerOptions options, string name = DefaultName)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrEmpty(name);
        options.MakeReadOnly(populateMissingResolver: true);
        _type = (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
        Name = name;
    }

    /// <summary>Creates a codec from generated metadata, which needs no reflection.</summary>
    /// <param name="type">From a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="name">Choose another one when the options change the bytes: it is part of the GroupId.</param>
    public JsonCommandCodec(JsonTypeInfo<T> type, string name = DefaultName)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentException.ThrowIfNullOrEmpty(name);
        _type = type;
        Name = name;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentNullException">The command is null.</exception>
    /// <exception cref="NotSupportedException">The type can't be written as JSON.</exception>
    public void Encode(T value, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(value);
        using var writer = new Utf8JsonWriter(output);
        JsonSerializer.Serialize(writer, value, _type);
    }

    /// <inheritdoc/>
    /// <exception cref="JsonException">The bytes are not JSON, not of this type, or null.</exception>
    public T Decode(ReadOnlyMemory<byte> bytes) =>
        JsonSerializer.Deserialize(bytes.Span, _type) ?? throw new JsonException("A command is not null.");
}
