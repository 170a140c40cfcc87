using System.Text.RegularExpressions;
using Mosaik.Hybrid.Tests.Tickets;
using Mosaik.Hybrid.Tickets;
using Mosaik.Hybrid.Transport;
using Xunit;

namespace Mosaik.Hybrid.Tests.Cli;

/// <summary><c>mosaik ticket</c> as its users run it.</summary>
public sealed class TicketCommandTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mosaik-ticket-tests-");
    private readonly string _peer = Forge.PeerOf(1).ToString();

    public void Dispose() => _directory.Delete(recursive: true);

    [Theory]
    [InlineData("ES256")]
    [InlineData("EdDSA")]
    [InlineData("PS256")]
    public async Task A_ticket_is_issued_and_found_good(string algorithm)
    {
        var (secret, shown) = (File("issuer.pem"), File("issuer.pub.pem"));
        var (exitCode, output, _) = await MosaikProcess.RunAsync(
            "",
            "ticket",
            "keygen",
            "--algorithm",
            algorithm,
            "--out",
            secret
        );
        Assert.Equal(0, exitCode);
        Assert.StartsWith("-----BEGIN PUBLIC KEY-----", output, StringComparison.Ordinal);
        await System.IO.File.WriteAllTextAsync(shown, output);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                System.IO.File.GetUnixFileMode(secret)
            );
        }

        (exitCode, var token, _) = await MosaikProcess.RunAsync(
            "",
            [
                "ticket",
                "issue",
                $"--key-file={secret}",
                $"--peer={_peer}",
                "--issuer=ops",
                "--audience=orders",
                "--expires-in=8h",
                "--claim=role=admin",
                "--claim-json=level=3",
                .. Algorithm(algorithm),
            ]
        );
        Assert.Equal(0, exitCode);
        Assert.Matches("^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\n$", token);

        (exitCode, output, _) = await InspectAsync(
            token,
            [$"--key-file={shown}", "--issuer=ops", .. Algorithm(algorithm)]
        );
        Assert.Equal(0, exitCode);
        Assert.Contains("Good until", output, StringComparison.Ordinal);
        Assert.Contains("\"role\": \"admin\"", output, StringComparison.Ordinal);
        Assert.Contains("\"level\": 3", output, StringComparison.Ordinal);

        (exitCode, output, _) = await InspectAsync(
            token,
            [$"--key-file={shown}", "--issuer=evil", .. Algorithm(algorithm)]
        );
        Assert.Equal(1, exitCode);
        Assert.Contains("Not good: WrongIssuer", output, StringComparison.Ordinal);

        var other = Forge.PeerOf(2).ToString();
        (exitCode, output, _) = await InspectAsync(
            token,
            [$"--key-file={shown}", $"--peer={other}", .. Algorithm(algorithm)]
        );
        Assert.Equal(1, exitCode);
        Assert.Contains("Not good: WrongSubject", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_signs_and_checks()
    {
        var secret = File("secret.jwk");
        var (exitCode, output, _) = await MosaikProcess.RunAsync(
            "",
            "ticket",
            "keygen",
            "--algorithm=HS256",
            "--key-id=2026",
            "--out",
            secret
        );
        Assert.Equal((0, ""), (exitCode, output));
        var (_, token, _) = await MosaikProcess.RunAsync(
            "",
            "ticket",
            "issue",
            "--key-file",
            secret,
            "--subject=service",
            "--never-expires"
        );
        (exitCode, output, _) = await InspectAsync(token, [$"--key-file={secret}", "--allow-non-expiring"]);
        Assert.Equal(0, exitCode);
        Assert.Contains("Good until never", output, StringComparison.Ordinal);
        Assert.Contains("\"kid\": \"2026\"", output, StringComparison.Ordinal);

        (exitCode, _, var errors) = await MosaikProcess.RunAsync("", "ticket", "keygen", "--out", secret);
        Assert.Equal(1, exitCode);
        Assert.Contains("not overwritten", Regex.Replace(errors, "\\s+", " "), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_ticket_is_called_so_and_shown_harmlessly()
    {
        Assert.Equal(1, (await InspectAsync("nonsense", [])).ExitCode);
        Assert.Equal(1, (await InspectAsync("a.b.c", [])).ExitCode);
        var forge = new Forge();
        var (exitCode, output, _) = await InspectAsync(forge.With("x", "\"\\u001b[31mred\""), []);
        Assert.Equal(0, exitCode);
        Assert.Contains("not checked", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public async Task Wrong_usage_is_explained()
    {
        Assert.Equal(0, (await MosaikProcess.RunAsync("", "ticket")).ExitCode);
        Assert.Equal(0, (await MosaikProcess.RunAsync("", "ticket", "--help")).ExitCode);
        Assert.Equal(0, (await MosaikProcess.RunAsync("", "ticket", "issue", "--help")).ExitCode);
        Assert.Equal(2, (await MosaikProcess.RunAsync("", "ticket", "isue")).ExitCode);
        var secret = File("issuer.pem");
        await System.IO.File.WriteAllTextAsync(secret, Es256.GenerateSigningKey().ExportPem());
        string[][] wrong =
        [
            [$"--peer={_peer}"],
            [$"--peer={_peer}", "--expires-in=8x"],
            [$"--peer={_peer}", "--expires-in=1h", "--never-expires"],
            [$"--peer={_peer}", "--expires-at=soon"],
            [$"--peer={_peer}", "--expires-in=1h", "--claim=exp=1"],
            [$"--peer={_peer}", "--expires-in=1h", "--claim=role"],
            ["--peer=ab", "--expires-in=1h"],
            ["--expires-in=1h"],
            ["--subject=a", $"--peer={_peer}", "--expires-in=1h"],
        ];
        foreach (var arguments in wrong)
        {
            var (exitCode, output, errors) = await MosaikProcess.RunAsync(
                "",
                ["ticket", "issue", $"--key-file={secret}", .. arguments]
            );
            Assert.Equal((2, ""), (exitCode, output));
            Assert.Contains("error:", errors, StringComparison.Ordinal);
        }

        var (missing, _, _) = await MosaikProcess.RunAsync(
            "",
            "ticket",
            "issue",
            "--key-file=none",
            $"--peer={_peer}",
            "--expires-in=1h"
        );
        Assert.Equal(1, missing);
    }

    [Fact]
    public async Task A_node_asks_for_tickets_and_carries_one()
    {
        var (identity, ticket, key, shown) = (
            File("node.pem"),
            File("node.jwt"),
            File("group.key"),
            File("pub.pem")
        );
        var issuer = Es256.GenerateSigningKey();
        await System.IO.File.WriteAllTextAsync(shown, issuer.VerifyingKey.ExportPem());
        using (var node = NodeIdentity.LoadOrCreate(identity))
        {
            var token = new JwtTicketBuilder(issuer)
                .Issuer("ops")
                .ExpiresIn(TimeSpan.FromHours(1))
                .BuildToken(node.Id);
            await System.IO.File.WriteAllTextAsync(ticket, token + "\n");
        }

        var (exitCode, output, errors) = await MosaikProcess.RunAsync(
            "put a 1\nget a\n",
            "node",
            "--network=tests",
            $"--key-file={key}",
            "--create-key",
            "--listen=127.0.0.1:0",
            $"--identity-file={identity}",
            $"--ticket-file={ticket}",
            $"--ticket-key-file={shown}",
            "--ticket-issuer=ops"
        );
        Assert.True(exitCode == 0, output + errors);
        Assert.Contains("a = 1", output, StringComparison.Ordinal);
        Assert.DoesNotContain("no good ticket", errors, StringComparison.Ordinal);
    }

    private string File(string name) => Path.Combine(_directory.FullName, name);

    private static string[] Algorithm(string name) => name == "PS256" ? ["--algorithm=PS256"] : [];

    private static Task<(int ExitCode, string Output, string Errors)> InspectAsync(
        string token,
        string[] more
    ) => MosaikProcess.RunAsync(token, ["ticket", "inspect", .. more]);
}
