using Mosaik.Hybrid.Cli.Arguments;
using Mosaik.Hybrid.Tickets;
using Spectre.Console;

namespace Mosaik.Hybrid.Cli.Tickets;

/// <summary><c>mosaik ticket keygen</c>: makes a key that issues tickets.</summary>
internal static class TicketKeygenCommand
{
    public static CommandSpec Spec { get; } =
        new(
            "ticket keygen",
            "Make a key that signs tickets, and print the public key that checks them.",
            [
                new OptionSpec("out", "FILE", "Write the private key there, readable by you only. Required."),
                new OptionSpec(
                    "algorithm",
                    "NAME",
                    "ES256, ES384, ES512, ES256K, EdDSA, RS256, PS256; HS256, HS384, HS512 for a secret that both "
                        + "signs and checks. Default: ES256."
                ),
                new OptionSpec("key-id", "ID", "The id of a secret, among several. PEM files hold none."),
            ],
            [
                "mosaik ticket keygen --out issuer.pem > issuer.pub.pem",
                "mosaik ticket keygen --algorithm HS256 --out secret.jwk",
            ]
        );

    public static async Task<int> RunAsync(ParsedArguments arguments)
    {
        var path = arguments.Required("out");
        var (secret, shown) = Generate(
            arguments.Choice(
                "algorithm",
                "ES256",
                "ES384",
                "ES512",
                "ES256K",
                "EdDSA",
                "RS256",
                "PS256",
                "HS256",
                "HS384",
                "HS512"
            ),
            arguments.Value("key-id")
        );
        if (!SecretFile.TryCreate(path, secret + "\n"))
        {
            throw new ToolException(
                $"'{path}' is there already and is not overwritten. Choose another name, or remove it first."
            );
        }

        Consoles.Error.MarkupLineInterpolated($"[green]ok[/] wrote a new key to {path}");
        if (shown is not null)
        {
            await Console.Out.WriteLineAsync(shown);
        }

        return ExitCodes.Ok;
    }

    private static (string Secret, string? Shown) Generate(string algorithm, string? keyId)
    {
        HmacKey? shared = algorithm switch
        {
            "HS256" => Hs256.Generate(keyId),
            "HS384" => Hs384.Generate(keyId),
            "HS512" => Hs512.Generate(keyId),
            _ => null,
        };
        if (shared is not null)
        {
            return (shared.ExportJwk(), null);
        }

        var key = algorithm switch
        {
            "ES384" => Es384.GenerateSigningKey(),
            "ES512" => Es512.GenerateSigningKey(),
            "ES256K" => Es256k.GenerateSigningKey(),
            "EdDSA" => EdDsa.GenerateSigningKey(),
            "RS256" => Rs256.GenerateSigningKey(),
            "PS256" => Ps256.GenerateSigningKey(),
            _ => Es256.GenerateSigningKey(),
        };
        return (key.ExportPem(), key.VerifyingKey.ExportPem());
    }
}
