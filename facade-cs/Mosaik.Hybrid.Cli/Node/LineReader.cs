using System.Buffers;
using System.Text;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>Reads lines of bounded length from a stream of UTF-8, whatever the stream holds.</summary>
internal sealed class LineReader(Stream stream, int lengthMax) : IDisposable
{
    private readonly StreamReader _reader = new(stream, new UTF8Encoding(false), false, 16 * 1024);
    private readonly char[] _buffer = new char[16 * 1024];
    private readonly ArrayBufferWriter<char> _line = new();
    private int _next;
    private int _end;

    /// <summary>The next line without its end; null at the end of the input.</summary>
    /// <exception cref="FormatException">The line is too long; it was skipped, and the next call reads on after it.</exception>
    public async ValueTask<string?> ReadAsync(CancellationToken cancellationToken)
    {
        _line.ResetWrittenCount();
        var length = 0L;
        while (true)
        {
            if (_next == _end && !await FillAsync(cancellationToken))
            {
                return length == 0 ? null : Finish(length);
            }

            var span = _buffer.AsSpan(_next, _end - _next);
            var newline = span.IndexOf('\n');
            var part = newline < 0 ? span : span[..newline];
            length += part.Length + (newline < 0 ? 0 : 1);
            if (length <= lengthMax)
            {
                _line.Write(part);
            }

            _next += part.Length + (newline < 0 ? 0 : 1);
            if (newline >= 0)
            {
                return Finish(length);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    /// <summary>A read of a terminal or pipe can't be broken off, so a cancelled one is left behind.</summary>
    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        _next = 0;
        _end = await Task.Run(() => _reader.ReadAsync(_buffer, cancellationToken).AsTask(), cancellationToken)
            .WaitAsync(cancellationToken);
        return _end > 0;
    }

    private string Finish(long length) =>
        length <= lengthMax
            ? _line.WrittenSpan.TrimEnd('\r').ToString()
            : throw new FormatException($"The line is longer than {lengthMax} characters, and was skipped.");
}
