using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Hosting.Options;

/// <summary>Makes the validator that settings describe.</summary>
internal static class TicketRules
{
    private const int KeyFileBytesMax = 64 * 1024;

    /// <summary>Everything that the settings can't be.</summary>
    public static IReadOnlyList<string> FaultsOf(MosaikTicketOptions options, string path)
    {
        List<string> faults = [];
        TryCreate(options, path, TimeProvider.System, faults);
        return faults;
    }

    /// <summary>The validator; null when no tickets are asked for, or when there are faults.</summary>
    public static Jwt? TryCreate(
        MosaikTicketOptions options,
        string path,
        TimeProvider timeProvider,
        List<string> faults
    )
    {
        if (options.KeyFiles.Count == 0)
        {
            if (options.Issuers.Count > 0 || options.Audiences.Count > 0 || options.Subject is not null)
            {
                faults.Add(
                    $"{SettingPath.Of(path, "KeyFiles")} is missing: without a key no ticket can be checked."
                );
            }

            return null;
        }

        if (options.KeyFiles.Count > Jwt.KeysMax)
        {
            faults.Add(
                $"{SettingPath.Of(path, "KeyFiles")} has {options.KeyFiles.Count} values; it must have at most {Jwt.KeysMax}."
            );
            return null;
        }

        var keys = options
            .KeyFiles.Select(file => TryReadKey(file, SettingPath.Of(path, "KeyFiles"), faults))
            .OfType<JwtKey>()
            .ToList();
        if (keys.Count == 0)
        {
            return null;
        }

        var jwt = keys.Skip(1).Aggregate(Jwt.WithKey(keys[0]), static (jwt, key) => jwt.AddKey(key));
        foreach (var issuer in options.Issuers)
        {
            jwt = Explained("Issuers", jwt, known => known.AllowIssuer(issuer));
        }

        foreach (var audience in options.Audiences)
        {
            jwt = Explained("Audiences", jwt, known => known.AllowAudience(audience));
        }

        if (options.Subject is { } subject)
        {
            jwt = Explained("Subject", jwt, known => known.RequireSubject(subject));
        }

        if (options.MaxLifetime is { } lifetime)
        {
            jwt = Explained("MaxLifetime", jwt, known => known.MaxLifetime(lifetime));
        }

        jwt = Explained("ClockSkew", jwt, known => known.ClockSkew(options.ClockSkew));
        return jwt.WithTimeProvider(timeProvider);

        Jwt Explained(string setting, Jwt known, Func<Jwt, Jwt> change)
        {
            try
            {
                return change(known);
            }
            catch (ArgumentException exception)
            {
                faults.Add($"{SettingPath.Of(path, setting)}: {exception.Message}");
                return known;
            }
        }
    }

    private static JwtKey? TryReadKey(string file, string setting, List<string> faults)
    {
        if (SmallFile.TryRead(file, KeyFileBytesMax, out var fault) is not { } text)
        {
            faults.Add($"{setting}: {fault}");
            return null;
        }

        try
        {
            return text.AsSpan().TrimStart().StartsWith("{") ? JwtKey.FromJwk(text) : JwtKey.FromPem(text);
        }
        catch (ArgumentException exception)
        {
            // The library's sentences never show a part of a key.
            faults.Add($"{setting}: the file '{file}' can't be used: {exception.Message}");
            return null;
        }
    }
}
