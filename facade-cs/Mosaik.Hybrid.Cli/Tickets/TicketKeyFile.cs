using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Cli.Tickets;

/// <summary>Keys of tickets in files: PEM, or a JSON Web Key for secrets.</summary>
internal static class TicketKeyFile
{
    /// <summary>Reads what signs: a private key in PEM, or a secret.</summary>
    /// <exception cref="ToolException">There is no such file, or it holds no such key.</exception>
    public static JwtSigningKey ReadSigning(string path, string? algorithm, string? keyId)
    {
        var text = Read(path);
        return Explained(
            path,
            () =>
                IsJson(text)
                    ? JwtKey.FromJwk(text, algorithm) as HmacKey
                        ?? throw new ArgumentException("a public key signs nothing.")
                    : JwtSigningKey.FromPem(text, algorithm, keyId)
        );
    }

    /// <summary>Reads what verifies: a public key in PEM or as a JSON Web Key, or a secret.</summary>
    /// <exception cref="ToolException">There is no such file, or it holds no such key.</exception>
    public static JwtKey ReadVerifying(string path, string? algorithm, string? keyId)
    {
        var text = Read(path);
        return Explained(
            path,
            () => IsJson(text) ? JwtKey.FromJwk(text, algorithm) : JwtKey.FromPem(text, algorithm, keyId)
        );
    }

    /// <summary>Reads a token, as <c>mosaik ticket issue</c> prints it.</summary>
    /// <exception cref="ToolException">There is no such file, or it is too large.</exception>
    public static Ticket ReadTicket(string path) => ToTicket(Read(path));

    /// <summary>The ticket of a token's text; white space around it is ignored.</summary>
    /// <exception cref="ToolException">It is too large.</exception>
    public static Ticket ToTicket(string token)
    {
        try
        {
            return new Ticket(Jwt.TicketClass, System.Text.Encoding.UTF8.GetBytes(token.Trim()));
        }
        catch (ArgumentException exception)
        {
            throw new ToolException(exception.Message);
        }
    }

    private static string Read(string path) =>
        File.Exists(path) ? File.ReadAllText(path) : throw new ToolException($"There is no file '{path}'.");

    private static bool IsJson(string text) => text.AsSpan().TrimStart().StartsWith("{");

    private static T Explained<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (ArgumentException exception)
        {
            // The library's sentences never show a part of a key.
            throw new ToolException($"The file '{path}' can't be used: {exception.Message}");
        }
    }
}
