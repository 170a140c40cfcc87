using System.Buffers.Binary;
using System.Security.Cryptography;
using Mosaik.Hybrid.Cli.Kv;

namespace Mosaik.Hybrid.Cli.Demo;

/// <summary>The commands of a demo: puts of unique keys with values that depend on the seed.</summary>
internal sealed class Workload(int count, ulong seed)
{
    /// <summary>How many commands there are.</summary>
    public int Count => count;

    /// <summary>The commands, always the same for the same seed.</summary>
    public IEnumerable<KvCommand> Commands()
    {
        for (var number = 1; number <= count; number++)
        {
            yield return KvCommand.Put($"key-{number:d7}", ValueOf(number));
        }
    }

    /// <summary>Writes the commands as lines that a node reads.</summary>
    public Task WriteAsync(string path, CancellationToken cancellationToken) =>
        File.WriteAllLinesAsync(
            path,
            Commands().Select(command => $"put {command.Key} {command.Value}"),
            cancellationToken
        );

    /// <summary>What the map must look like when each command took effect once, and nothing else did.</summary>
    public KvDigest Expected()
    {
        var machine = new KvMachine();
        foreach (var command in Commands())
        {
            machine.Apply(command);
        }

        return machine.Digest();
    }

    private string ValueOf(int number)
    {
        Span<byte> input = stackalloc byte[sizeof(ulong) + sizeof(int)];
        BinaryPrimitives.WriteUInt64LittleEndian(input, seed);
        BinaryPrimitives.WriteInt32LittleEndian(input[sizeof(ulong)..], number);
        return Convert.ToHexStringLower(SHA256.HashData(input).AsSpan(0, 16));
    }
}
