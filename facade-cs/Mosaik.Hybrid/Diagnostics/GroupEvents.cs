using Microsoft.Extensions.Logging;
using Mosaik.Hybrid.Tickets;

namespace Mosaik.Hybrid.Diagnostics;

/// <summary>What a group tells its operator. Ids are stable; nothing secret is ever a parameter.</summary>
internal static partial class GroupEvents
{
    [LoggerMessage(2001, LogLevel.Information, "Group {Group}: member {Member} starts, session {Session}")]
    public static partial void Started(ILogger logger, string group, string member, ulong session);

    [LoggerMessage(2002, LogLevel.Information, "Group {Group}: leader is {Leader} in term {Term}")]
    public static partial void LeaderChanged(ILogger logger, string group, string leader, ulong term);

    [LoggerMessage(2003, LogLevel.Information, "Group {Group}: this node is {Role} in term {Term}")]
    public static partial void RoleChanged(ILogger logger, string group, string role, ulong term);

    [LoggerMessage(2004, LogLevel.Information, "Group {Group}: bond with {Peer} formed")]
    public static partial void BondFormed(ILogger logger, string group, string peer);

    [LoggerMessage(2005, LogLevel.Information, "Group {Group}: bond with {Peer} ended: {Reason}")]
    public static partial void BondEnded(ILogger logger, string group, string peer, string reason);

    [LoggerMessage(2006, LogLevel.Information, "Group {Group}: configuration {Configuration}")]
    public static partial void ConfigurationChanged(ILogger logger, string group, string configuration);

    [LoggerMessage(2007, LogLevel.Information, "Group {Group}: left")]
    public static partial void Left(ILogger logger, string group);

    [LoggerMessage(
        2008,
        LogLevel.Warning,
        "Group {Group}: this member gives its lineage up; beginning anew as {Member}"
    )]
    public static partial void Reset(ILogger logger, string group, string member);

    [LoggerMessage(
        2010,
        LogLevel.Critical,
        "Group {Group} halts on this node. Rule: {Rule} Evidence: {Evidence}"
    )]
    public static partial void Halted(ILogger logger, string group, string rule, string evidence);

    [LoggerMessage(2011, LogLevel.Critical, "Group {Group} ends on this node: {Reason}")]
    public static partial void Failed(ILogger logger, string group, string reason, Exception exception);

    [LoggerMessage(2012, LogLevel.Warning, "Group {Group}: the store repaired its log: {Repair}")]
    public static partial void Repaired(ILogger logger, string group, string repair);

    [LoggerMessage(
        2013,
        LogLevel.Warning,
        "Group {Group}: the disk has made no progress for {Timeout} ms; this node neither leads nor stands until it does"
    )]
    public static partial void DiskStalled(ILogger logger, string group, int timeout);

    [LoggerMessage(2014, LogLevel.Information, "Group {Group}: the disk makes progress again")]
    public static partial void DiskRecovered(ILogger logger, string group);

    [LoggerMessage(2015, LogLevel.Information, "Group {Group}: snapshot at {Position}, {Length} bytes")]
    public static partial void SnapshotTaken(ILogger logger, string group, LogPosition position, long length);

    [LoggerMessage(
        2016,
        LogLevel.Information,
        "Group {Group}: a snapshot at {Position} of another member takes the place of the log"
    )]
    public static partial void SnapshotInstalled(ILogger logger, string group, LogPosition position);

    [LoggerMessage(
        2017,
        LogLevel.Error,
        "Group {Group}: a snapshot could not be saved, sent or received; the log is as it was"
    )]
    public static partial void SnapshotFailed(ILogger logger, string group, Exception exception);

    [LoggerMessage(
        2018,
        LogLevel.Error,
        "Group {Group}: other lineages of this group live: {Lineages}; this node is of {Lineage}. Their logs never mix: "
            + "reset one side"
    )]
    public static partial void LineageConflict(ILogger logger, string group, string lineages, string lineage);

    [LoggerMessage(
        2019,
        LogLevel.Information,
        "Group {Group}: no other lineage of this group is known any more"
    )]
    public static partial void LineageConflictEnded(ILogger logger, string group);

    [LoggerMessage(2020, LogLevel.Debug, "Dialling {Peer} at {Address} failed: {Reason}")]
    public static partial void DialFailed(ILogger logger, string peer, string address, string reason);

    [LoggerMessage(2021, LogLevel.Warning, "Group {Group}: link with {Peer} closed: {Reason}; {Evidence}")]
    public static partial void LinkRefused(
        ILogger logger,
        string group,
        string peer,
        string reason,
        string evidence
    );

    [LoggerMessage(2022, LogLevel.Information, "Ticket {Ticket} of {Peer} refused: {Fault}, {Detail}")]
    public static partial void TicketRefused(
        ILogger logger,
        string peer,
        string ticket,
        TicketFault fault,
        string detail
    );

    [LoggerMessage(2023, LogLevel.Error, "The ticket validator of class {Class} threw")]
    public static partial void ValidatorFailed(ILogger logger, string @class, Exception exception);

    [LoggerMessage(2024, LogLevel.Warning, "Link of {Peer} at {Address} refused: {Reason}")]
    public static partial void StrangerRefused(ILogger logger, string peer, string address, string reason);

    [LoggerMessage(2025, LogLevel.Information, "Peer {Peer} carries no ticket of class {Class}")]
    public static partial void TicketMissing(ILogger logger, string peer, string @class);

    [LoggerMessage(
        2026,
        LogLevel.Warning,
        "Group {Group}: this node itself carries no good ticket, so nobody will bond with it; add one by Discovery.AddTicket"
    )]
    public static partial void OwnTicketMissing(ILogger logger, string group);

    [LoggerMessage(
        2027,
        LogLevel.Error,
        "The ticket validator of class {Class} did not answer within {Limit} ms; the ticket is refused"
    )]
    public static partial void ValidatorTooSlow(ILogger logger, string @class, double limit);

    [LoggerMessage(2030, LogLevel.Warning, "Network {Network}: accepting a link failed: {Reason}")]
    public static partial void AcceptFailed(ILogger logger, string network, string reason);

    [LoggerMessage(
        2031,
        LogLevel.Warning,
        "Group {Group} is joined already; the second state machine or store passed in is not used"
    )]
    public static partial void JoinedAgain(ILogger logger, string group);
}
