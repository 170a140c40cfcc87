using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli.Node;

/// <summary>Where a node's reports go. Any thread; reports never mix.</summary>
internal abstract class NodeOutput
{
    private readonly Lock _lock = new();

    /// <summary>Writes a report.</summary>
    public void Write(NodeReport report)
    {
        lock (_lock)
        {
            WriteLocked(report);
        }
    }

    protected abstract void WriteLocked(NodeReport report);
}

/// <summary>Reports for people: results on standard output, all else on standard error.</summary>
internal sealed class TextOutput(TextWriter output, IAnsiConsole error) : NodeOutput
{
    protected override void WriteLocked(NodeReport report)
    {
        switch (report.Kind)
        {
            case ReportKind.Result:
                // Raw, not laid out: values go to other programs as they are.
                output.WriteLine(report.Text);
                break;
            case ReportKind.Failure:
                error.MarkupLineInterpolated($"[red]error:[/] {report.Text}");
                break;
            case ReportKind.Warning:
                error.MarkupLineInterpolated($"[yellow]warning:[/] {report.Text}");
                break;
            case ReportKind.Notice:
            default:
                error.MarkupLineInterpolated($"[blue]{report.Event, -7}[/] [grey]{report.Text}[/]");
                break;
        }
    }
}

/// <summary>Warnings on standard error, and nothing else: for commands that have an answer of their own.</summary>
internal sealed class WarningsOutput(IAnsiConsole error) : NodeOutput
{
    protected override void WriteLocked(NodeReport report)
    {
        if (report.Kind is ReportKind.Warning or ReportKind.Failure)
        {
            error.MarkupLineInterpolated($"[yellow]warning:[/] {report.Text}");
        }
    }
}

/// <summary>Reports for programs: one JSON object a line.</summary>
internal sealed class JsonLinesOutput(Stream stream) : NodeOutput
{
    private static readonly JsonWriterOptions s_options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly ArrayBufferWriter<byte> _buffer = new();

    protected override void WriteLocked(NodeReport report)
    {
        _buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(_buffer, s_options))
        {
            json.WriteStartObject();
            json.WriteString("event", report.Event);
            foreach (var (name, value) in report.Fields)
            {
                json.WritePropertyName(name);
                JsonSerializer.Serialize(json, value);
            }

            json.WriteEndObject();
        }

        _buffer.Write("\n"u8);
        stream.Write(_buffer.WrittenSpan);
        stream.Flush();
    }
}
