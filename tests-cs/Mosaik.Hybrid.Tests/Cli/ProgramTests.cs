using System.Diagnostics;
using System.Text.Json;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Cli;

public sealed class ProgramTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mosaik-cli-tests-");

    private string KeyFile => Path.Combine(_directory.FullName, "group.key");

    private string[] Node(params string[] more) =>
        ["node", "--network=tests", $"--key-file={KeyFile}", "--listen=127.0.0.1:0", .. more];

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Lines_are_run_in_order_and_malformed_ones_reported()
    {
        const string Input =
            "put a 1\nput a 2\nget a\nnonsense\n\n# comment\npeek a\ndel a\nget a\ndigest\nquit\nput b 1\n";
        var (exitCode, output, errors) = await MosaikProcess.RunAsync(Input, Node("--create-key"));
        Assert.Equal(
            "",
            string.Join(
                '\n',
                errors.Split('\n').Where(line => line.Contains("   at ", StringComparison.Ordinal))
            )
        );
        Assert.Equal(1, exitCode);
        var lines = output.Split('\n');
        Assert.StartsWith("put a: ok", lines[0], StringComparison.Ordinal);
        Assert.Equal(["a = 2", "a = 2"], lines[2..4]);
        Assert.StartsWith("del a: ok", lines[4], StringComparison.Ordinal);
        Assert.Equal("a is not set", lines[5]);
        Assert.StartsWith(
            "0 keys, 2 puts (1 to a key that had a value), 1 deletes",
            lines[6],
            StringComparison.Ordinal
        );
        Assert.Contains("error: line 4", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("put b", output, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
        }
    }

    [Fact]
    public async Task Programs_read_one_object_a_line()
    {
        var (exitCode, output, _) = await MosaikProcess.RunAsync(
            "put k \"v\nget k\nstatus\n",
            Node("--create-key", "--output=json-lines")
        );
        Assert.Equal(0, exitCode);
        var records = output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToList();
        Assert.Contains(
            "127.0.0.1:",
            records[0].GetProperty("addresses")[0].GetString(),
            StringComparison.Ordinal
        );
        var results = records.Where(record => record.GetProperty("event").GetString() == "result").ToList();
        Assert.Equal([1, 2, 3], results.Select(record => record.GetProperty("line").GetInt32()));
        Assert.Equal("\"v", results[1].GetProperty("value").GetString());
        Assert.True(results[2].GetProperty("isLeader").GetBoolean());
    }

    [Fact]
    public async Task A_command_that_finds_no_leader_fails_in_time()
    {
        var (exitCode, output, errors) = await MosaikProcess.RunAsync(
            "put k v\nget k\npeek k\n",
            Node("--create-key", "--founding=3", "--timeout=1")
        );
        Assert.Equal(1, exitCode);
        Assert.Contains("error: line 1: After 1 s, no leader was found", errors, StringComparison.Ordinal);
        Assert.Contains("error: line 2", errors, StringComparison.Ordinal);
        Assert.Equal("k is not set\n", output);
    }

    [Fact]
    public async Task A_file_without_a_key_is_named_and_left_alone()
    {
        await File.WriteAllTextAsync(KeyFile, "secret\n");
        var (exitCode, output, errors) = await MosaikProcess.RunAsync("", Node("--create-key"));
        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("holds no group key", errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", errors, StringComparison.Ordinal);
        Assert.Equal("secret\n", await File.ReadAllTextAsync(KeyFile));
    }

    [Fact]
    public async Task A_missing_key_file_says_how_to_make_one()
    {
        var (exitCode, _, errors) = await MosaikProcess.RunAsync("", Node());
        Assert.Equal(1, exitCode);
        Assert.Contains("mosaik keygen", errors.ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_usage_has_its_own_exit_code()
    {
        Assert.Equal(2, (await MosaikProcess.RunAsync("", "nod")).ExitCode);
        Assert.Equal(2, (await MosaikProcess.RunAsync("", "node")).ExitCode);
        Assert.Equal(0, (await MosaikProcess.RunAsync("", "node", "--help")).ExitCode);
        Assert.StartsWith(
            "mosaik 0",
            (await MosaikProcess.RunAsync("", "--version")).Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Keygen_never_overwrites()
    {
        Assert.Equal(0, (await MosaikProcess.RunAsync("", "keygen", "--out", KeyFile)).ExitCode);
        var key = await File.ReadAllTextAsync(KeyFile);
        Assert.True(GroupKey.TryParse(key, out _));
        Assert.Equal(1, (await MosaikProcess.RunAsync("", "keygen", "--out", KeyFile)).ExitCode);
        Assert.Equal(key, await File.ReadAllTextAsync(KeyFile));
    }

    [Fact]
    public async Task A_signal_ends_a_node_in_good_order()
    {
        using var node = MosaikProcess.Start(Node("--create-key", "--stay", "--output=json-lines"));
        try
        {
            node.StandardInput.Close();
            Assert.NotNull(await node.StandardOutput.ReadLineAsync().Soon("the node is ready"));
            using var kill = Process.Start("kill", ["-TERM", $"{node.Id}"]);
            await node.WaitForExitAsync().Soon("the node ends");
            Assert.Equal(0, node.ExitCode);
            Assert.Contains(
                "a signal came",
                await node.StandardOutput.ReadToEndAsync(),
                StringComparison.Ordinal
            );
        }
        finally
        {
            node.Kill();
        }
    }

    [Theory]
    [InlineData("file")]
    [InlineData("memory")]
    public async Task The_demo_proves_that_nothing_is_lost(string storage)
    {
        var (exitCode, output, errors) = await MosaikProcess.RunAsync(
            "",
            "demo",
            "--commands",
            "2000",
            "--storage",
            storage
        );
        Assert.True(exitCode == 0, output + errors);
        Assert.Contains("Every one of 2,000 acknowledged commands", output, StringComparison.Ordinal);
        // With its log on disk the killed node is the voter that it was; without, a new member, which may vote already.
        Assert.DoesNotContain("not a member", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_with_a_directory_has_its_map_again()
    {
        var data = Path.Combine(_directory.FullName, "node");
        var first = await MosaikProcess.RunAsync("put a 1\nput b 2\n", Node("--create-key", "--data", data));
        Assert.True(first.ExitCode == 0, first.Output + first.Errors);
        var again = await MosaikProcess.RunAsync("get a\nget b\n", Node("--data", data));
        Assert.True(again.ExitCode == 0, again.Output + again.Errors);
        Assert.Equal("a = 1\nb = 2\n", again.Output);
    }

    [Fact]
    public async Task A_node_saves_its_map_and_says_so_and_begins_with_it()
    {
        string[] options = ["--data", Path.Combine(_directory.FullName, "node"), "--output=json-lines"];
        using var node = MosaikProcess.Start(Node(["--create-key", "--snapshot-entries=10", .. options]));
        try
        {
            for (var number = 0; number < 20; number++)
            {
                await node.StandardInput.WriteLineAsync($"put key-{number} {number}");
            }

            JsonElement record;
            do
            {
                var line = await node.StandardOutput.ReadLineAsync().Soon("the node saves its map");
                Assert.NotNull(line);
                record = JsonDocument.Parse(line).RootElement;
            } while (record.GetProperty("event").GetString() != "snapshot");

            Assert.False(record.GetProperty("installed").GetBoolean());
            Assert.True(record.GetProperty("bytes").GetInt64() > 0);
            node.StandardInput.Close();
            await node.WaitForExitAsync().Soon("the node ends");
        }
        finally
        {
            node.Kill();
        }

        var again = await MosaikProcess.RunAsync("get key-0\nget key-19\nstatus\n", Node(options));
        Assert.True(again.ExitCode == 0, again.Output + again.Errors);
        var results = again
            .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Where(record => record.GetProperty("event").GetString() == "result")
            .ToList();
        Assert.Equal("0", results[0].GetProperty("value").GetString());
        Assert.Equal("19", results[1].GetProperty("value").GetString());
        Assert.True(results[2].GetProperty("snapshotIndex").GetUInt64() >= 10);
        Assert.True(results[2].GetProperty("firstIndex").GetUInt64() > 1);
        Assert.False(results[2].GetProperty("diskStalled").GetBoolean());
    }

    [Fact]
    public async Task Verify_log_tells_a_sound_log_from_a_damaged_one()
    {
        var data = Path.Combine(_directory.FullName, "node");
        await MosaikProcess.RunAsync("put a 1\nput b 2\n", Node("--create-key", "--data", data));
        var (exitCode, output, _) = await MosaikProcess.RunAsync("", "verify-log", data, "--json");
        Assert.Equal(0, exitCode);
        using var sound = JsonDocument.Parse(output);
        Assert.True(sound.RootElement.GetProperty("sound").GetBoolean());
        Assert.True(sound.RootElement.GetProperty("closed").GetBoolean());
        Assert.InRange(sound.RootElement.GetProperty("last").GetProperty("index").GetInt32(), 3, 10);

        var segment = Path.Combine(data, "log", "log-0000000000000001");
        var bytes = await File.ReadAllBytesAsync(segment);
        bytes[900] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
        (exitCode, output, _) = await MosaikProcess.RunAsync("", "verify-log", data, "--json");
        Assert.Equal(1, exitCode);
        using var damaged = JsonDocument.Parse(output);
        var damage = damaged.RootElement.GetProperty("damages")[0];
        Assert.Equal("log-0000000000000001", damage.GetProperty("file").GetString());
        Assert.InRange(damage.GetProperty("offset").GetInt32(), 512, 900);
        (exitCode, output, _) = await MosaikProcess.RunAsync("", "verify-log", data);
        Assert.Equal(1, exitCode);
        Assert.Contains("damaged", output, StringComparison.Ordinal);
        Assert.Equal(1, (await MosaikProcess.RunAsync("", "verify-log", _directory.FullName)).ExitCode);
        Assert.Equal(2, (await MosaikProcess.RunAsync("", "verify-log")).ExitCode);
    }
}
