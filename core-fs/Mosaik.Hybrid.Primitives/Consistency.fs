namespace Mosaik.Hybrid

/// <summary>How fresh the state must be that answers a query.</summary>
type Consistency =
    /// <summary>Whatever this node has applied: no message is sent, and the answer may be old.</summary>
    | Weak = 0
    /// <summary>
    /// Linearizable: the answer reflects every command that was acknowledged before the query began, on any
    /// node (Raft §8, thesis §6.4). Costs one round to a quorum, shared by all queries that wait.
    /// </summary>
    | Strong = 1

/// <summary>How willing a node is to lead its group. A matter of the node, not of the group.</summary>
type LeadershipPreference =
    /// <summary>Stands for election like everybody.</summary>
    | Normal = 0
    /// <summary>Waits longer before it stands: its election timeout and bootstrap delay are multiplied.</summary>
    | Reluctant = 1
    /// <summary>Never votes, never leads, is in no quorum; replicates, applies and answers.</summary>
    | Observer = 2
