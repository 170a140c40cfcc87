using System.Text.Json;
using Mosaik.Hybrid.Tests.Support;
using Xunit;

namespace Mosaik.Hybrid.Tests.Cli;

/// <summary><c>mosaik status</c> and <c>mosaik recover</c>, as their users call them.</summary>
public sealed class MembershipCommandTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mosaik-cli-tests-");

    private string KeyFile => Path.Combine(_directory.FullName, "group.key");

    private string Data => Path.Combine(_directory.FullName, "node");

    private string[] Node(params string[] more) =>
        ["node", "--network=tests", $"--key-file={KeyFile}", "--create-key", "--listen=127.0.0.1:0", .. more];

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Status_joins_for_a_moment_and_tells_how_the_group_is()
    {
        using var node = MosaikProcess.Start(Node("--output=json-lines"));
        try
        {
            await node.StandardInput.WriteLineAsync("put a 1");
            var ready = await ReadAsync(node, "ready");
            await ReadAsync(node, "result");
            string[] ask =
            [
                "status",
                "--network=tests",
                $"--key-file={KeyFile}",
                "--listen=127.0.0.1:0",
                $"--peer={ready.GetProperty("addresses")[0].GetString()}",
                "--timeout=30",
            ];
            var (exitCode, output, errors) = await MosaikProcess.RunAsync("", [.. ask, "--json"]);

            Assert.True(exitCode == 0, output + errors);
            using var status = JsonDocument.Parse(output);
            var root = status.RootElement;
            Assert.True(root.GetProperty("canProgress").GetBoolean());
            Assert.True(root.GetProperty("complete").GetBoolean());
            var peer = ready.GetProperty("peer").GetString();
            Assert.Equal(peer, root.GetProperty("leader").GetString());
            var member = root.GetProperty("members")[0];
            Assert.Equal(peer, member.GetProperty("peer").GetString());
            Assert.Equal("voter", member.GetProperty("part").GetString());
            Assert.Equal(0, member.GetProperty("lag").GetInt32());

            (exitCode, output, errors) = await MosaikProcess.RunAsync("", ask);
            Assert.True(exitCode == 0, output + errors);
            Assert.Contains("able to make progress", output, StringComparison.Ordinal);
            Assert.Contains("1 of 1 voters reachable, quorum 1", output, StringComparison.Ordinal);
        }
        finally
        {
            node.Kill();
        }
    }

    [Fact]
    public async Task Status_of_a_group_that_is_not_there_fails_in_time()
    {
        await MosaikProcess.RunAsync("", "keygen", "--out", KeyFile);
        var (exitCode, output, _) = await MosaikProcess.RunAsync(
            "",
            "status",
            "--network=tests",
            $"--key-file={KeyFile}",
            "--listen=127.0.0.1:0",
            "--timeout=1"
        );
        Assert.Equal(1, exitCode);
        Assert.Contains("not able to make progress", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recover_begins_a_lineage_only_on_the_log_that_it_is_told()
    {
        await MosaikProcess.RunAsync("put a 1\n", Node("--data", Data));

        var (exitCode, output, errors) = await MosaikProcess.RunAsync("", "recover", Data, "--json");
        Assert.Equal(1, exitCode);
        Assert.Contains("Nothing was changed", errors, StringComparison.Ordinal);
        using var facts = JsonDocument.Parse(output);
        var lineage = facts.RootElement.GetProperty("lineage").GetString()!;
        var last = facts.RootElement.GetProperty("lastIndex").GetUInt64();
        Assert.Equal(1, facts.RootElement.GetProperty("voters").GetArrayLength());
        var wrong = await MosaikProcess.RunAsync("", "recover", Data, $"--yes-lose-others=00000000/{last}");
        Assert.Equal(1, wrong.ExitCode);

        var token = $"--yes-lose-others={lineage[..8]}/{last}";
        (exitCode, output, errors) = await MosaikProcess.RunAsync("", "recover", Data, token, "--json");
        Assert.True(exitCode == 0, output + errors);
        using var done = JsonDocument.Parse(output);
        Assert.NotEqual(lineage, done.RootElement.GetProperty("newLineage").GetString());

        var again = await MosaikProcess.RunAsync("get a\nput b 2\n", Node("--data", Data));
        Assert.True(again.ExitCode == 0, again.Output + again.Errors);
        Assert.StartsWith("a = 1", again.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await MosaikProcess.RunAsync("", "recover", Data, token)).ExitCode);
    }

    [Fact]
    public async Task Recover_refuses_what_is_no_log_or_in_use()
    {
        Assert.Equal(2, (await MosaikProcess.RunAsync("", "recover")).ExitCode);
        Assert.Equal(1, (await MosaikProcess.RunAsync("", "recover", _directory.FullName)).ExitCode);
        using var node = MosaikProcess.Start(Node("--data", Data, "--output=json-lines"));
        try
        {
            await node.StandardInput.WriteLineAsync("put a 1");
            await ReadAsync(node, "result");
            var (exitCode, _, errors) = await MosaikProcess.RunAsync("", "recover", Data);
            Assert.Equal(1, exitCode);
            Assert.Contains("Stop it", errors, StringComparison.Ordinal);
        }
        finally
        {
            node.Kill();
        }
    }

    private static async Task<JsonElement> ReadAsync(System.Diagnostics.Process node, string kind)
    {
        while (true)
        {
            var line = await node.StandardOutput.ReadLineAsync().Soon($"a report of kind {kind}");
            Assert.NotNull(line);
            var record = JsonDocument.Parse(line).RootElement;
            if (record.GetProperty("event").GetString() == kind)
            {
                return record;
            }
        }
    }
}
