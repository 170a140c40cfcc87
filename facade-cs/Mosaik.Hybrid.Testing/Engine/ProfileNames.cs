namespace Mosaik.Hybrid.Testing.Engine;

/// <summary>What the engine calls the profiles.</summary>
internal static class ProfileNames
{
    public static string Of(SimulationProfile profile) =>
        Enum.IsDefined(profile)
            ? profile.ToString().ToLower(System.Globalization.CultureInfo.InvariantCulture)
            : throw new ArgumentOutOfRangeException(nameof(profile), profile, "There is no such profile.");
}
