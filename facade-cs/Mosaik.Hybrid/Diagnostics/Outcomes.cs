namespace Mosaik.Hybrid.Diagnostics;

/// <summary>How calls end, in one word each; as many as are here, whatever is thrown.</summary>
internal static class Outcomes
{
    /// <summary>As was asked.</summary>
    public const string Ok = "ok";

    /// <summary>The word for an exception.</summary>
    public static string Of(Exception exception) =>
        exception switch
        {
            GroupOfflineException => "offline",
            OutcomeUnknownException => "unknown",
            GroupOverloadedException => "overloaded",
            GroupTerminatedException => "terminated",
            QueryFailedException { TimedOut: true } => "timeout",
            OperationCanceledException => "cancelled",
            _ => "error",
        };
}
