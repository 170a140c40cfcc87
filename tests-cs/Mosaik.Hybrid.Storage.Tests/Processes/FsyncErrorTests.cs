using Xunit;

namespace Mosaik.Hybrid.Storage.Tests.Processes;

/// <summary>The self-test that flush errors surface: the runtime's own calls hide them, ours must not.</summary>
public sealed class FsyncErrorTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mosaik-fsync-");

    public void Dispose() => _root.Delete(recursive: true);

    [StraceFact]
    public async Task AFailedFlush_EndsTheStore_AndIsNeverRepeated()
    {
        var trace = Path.Combine(_root.FullName, "trace.txt");
        using var process = LoadProcess.Start(
            "file",
            Path.Combine(_root.FullName, "store"),
            1,
            "strace",
            "-f",
            "-qq",
            "-o",
            trace,
            "-e",
            "trace=fsync,fdatasync",
            "-e",
            // Counted for each thread: only the one that writes the log gets this far.
            "inject=fsync,fdatasync:error=EIO:when=12"
        );
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(3, process.ExitCode);
        Assert.Contains("storage failed: The device failed", errors, StringComparison.Ordinal);
        Assert.Contains("ack 1\n", await output, StringComparison.Ordinal);
        var lines = await File.ReadAllLinesAsync(trace);
        var failed = Array.FindIndex(
            lines,
            static line => line.Contains("INJECTED", StringComparison.Ordinal)
        );
        Assert.True(failed >= 0, "strace injected nothing.");
        var writer = lines[failed].Split(' ')[0];
        var later = lines[(failed + 1)..]
            .Where(line => line.StartsWith(writer + " ", StringComparison.Ordinal));
        Assert.DoesNotContain(later, static line => line.Contains("sync(", StringComparison.Ordinal));
    }
}

/// <summary>A test that needs strace.</summary>
internal sealed class StraceFactAttribute : FactAttribute
{
    public StraceFactAttribute()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(static folder => File.Exists(Path.Combine(folder, "strace"))))
        {
            Skip = "strace is not installed (apt-get install strace).";
        }
    }
}
