namespace Mosaik.Hybrid.Storage.FileLog;

/// <summary>Which run of the operating system this is: what it had not written to the disk is gone after the next.</summary>
internal static class BootId
{
    private const string Source = "/proc/sys/kernel/random/boot_id";

    /// <summary>Empty where the system does not tell.</summary>
    public static Guid Current { get; } = Read();

    private static Guid Read() =>
        File.Exists(Source) && Guid.TryParse(File.ReadAllText(Source).Trim(), out var id) ? id : Guid.Empty;
}
