namespace Mosaik.Hybrid.Core

open Mosaik.Hybrid

/// <summary>What all members of a group agree on. Every field is part of the GroupId.</summary>
/// <remarks>Times are in milliseconds. `ConsensusConfig.validate` gives the ranges.</remarks>
type ConsensusConfig =
    {
        /// Between heartbeats of a bond, and of a leader; 500.
        HeartbeatInterval: int
        /// The most that is taken off a bond's heartbeat interval at random; 150. Zero is legal.
        HeartbeatJitter: int
        /// Silent heartbeat intervals after which a bond is dead; 10.
        MaxMissedHeartbeats: int
        /// The least time without a leader after which a voter stands for election; 2,000.
        ElectionTimeout: int
        /// The most that is added to the election timeout at random; 500. Zero is legal.
        ElectionTimeoutJitter: int
        /// How long a node without a log looks for others before it founds a lineage; 3,000.
        BootstrapDelay: int
        /// How long a forwarded command may go without an answer before it is sent again; 2,000.
        ForwardTimeout: int
        /// How long a strong query may take; 2,000.
        QueryTimeout: int
        /// The least number of members in a founding configuration; 1.
        FoundingMembers: int
        /// The most voters that a configuration grows to; 5.
        MaxVoters: int
        /// How long a voter may be silent before another takes its place, or it is removed; 60,000.
        RemovalDelay: int
        /// The most entries in one append message; 1,024.
        EntriesPerAppendMax: int
        /// The most payload bytes in one append message, but for a single larger entry; 1 MiB.
        BytesPerAppendMax: int
        /// The most entries on their way to one follower; 65,536.
        EntriesInFlightMax: int
        /// The most payload bytes on their way to one follower; 16 MiB.
        BytesInFlightMax: int
        /// The most entries that a leader holds uncommitted before it takes no more commands; 131,072.
        EntriesUncommittedMax: int
        /// The largest encoded command; 1 MiB.
        CommandBytesMax: int
    }

/// What is wrong with a value of the configuration, in words for people.
type ConfigError = { Setting: string; Message: string }

/// How willing this node is to lead: not part of the GroupId.
type NodePreference =
    {
        /// Normal, reluctant or observer.
        Preference: LeadershipPreference
        /// What a reluctant node multiplies its election timeout and bootstrap delay by; at least 1.
        Factor: int
    }

/// What one node runs a group with.
type NodeConfig = { Consensus: ConsensusConfig; Preference: NodePreference }

[<RequireQualifiedAccess>]
module NodePreference =
    let normal = { Preference = LeadershipPreference.Normal; Factor = 1 }

[<RequireQualifiedAccess>]
module ConsensusConfig =

    let defaults =
        { HeartbeatInterval = 500
          HeartbeatJitter = 150
          MaxMissedHeartbeats = 10
          ElectionTimeout = 2_000
          ElectionTimeoutJitter = 500
          BootstrapDelay = 3_000
          ForwardTimeout = 2_000
          QueryTimeout = 2_000
          FoundingMembers = 1
          MaxVoters = 5
          RemovalDelay = 60_000
          EntriesPerAppendMax = 1_024
          BytesPerAppendMax = 1_048_576
          EntriesInFlightMax = 65_536
          BytesInFlightMax = 16_777_216
          EntriesUncommittedMax = 131_072
          CommandBytesMax = 1_048_576 }

    /// Every fault of the configuration, not only the first; empty when it may be used.
    let validate (config: ConsensusConfig) : ConfigError list =
        let range setting value low high =
            if value < low || value > high then
                [ { Setting = setting
                    Message = $"{setting} is {value}; it must be between {low} and {high}." } ]
            else
                []
        let rule broken setting message =
            if broken then
                [ { Setting = setting; Message = message } ]
            else
                []
        List.concat
            [ range "heartbeat_interval" config.HeartbeatInterval 1 600_000
              range "heartbeat_jitter" config.HeartbeatJitter 0 600_000
              range "max_missed_heartbeats" config.MaxMissedHeartbeats 1 10_000
              range "election_timeout" config.ElectionTimeout 2 3_600_000
              range "election_timeout_jitter" config.ElectionTimeoutJitter 0 3_600_000
              range "bootstrap_delay" config.BootstrapDelay 0 3_600_000
              range "forward_timeout" config.ForwardTimeout 1 3_600_000
              range "query_timeout" config.QueryTimeout 1 3_600_000
              range "max_voters" config.MaxVoters 1 31
              range "founding_members" config.FoundingMembers 1 31
              range "removal_delay" config.RemovalDelay 1 86_400_000
              range "entries_per_append_max" config.EntriesPerAppendMax 1 65_536
              range "bytes_per_append_max" config.BytesPerAppendMax 1 8_388_608
              range "entries_in_flight_max" config.EntriesInFlightMax 1 16_777_216
              range "bytes_in_flight_max" config.BytesInFlightMax 1 1_073_741_824
              range "entries_uncommitted_max" config.EntriesUncommittedMax 1 16_777_216
              range "command_bytes_max" config.CommandBytesMax 1 8_388_608
              rule
                  (config.HeartbeatJitter >= config.HeartbeatInterval && config.HeartbeatJitter > 0)
                  "heartbeat_jitter"
                  $"heartbeat_jitter ({config.HeartbeatJitter} ms) must be less than heartbeat_interval ({config.HeartbeatInterval} ms)."
              rule
                  (config.ElectionTimeout < 2 * config.HeartbeatInterval)
                  "election_timeout"
                  ($"election_timeout ({config.ElectionTimeout} ms) must be at least twice heartbeat_interval "
                   + $"({config.HeartbeatInterval} ms), or a single late heartbeat deposes the leader.")
              rule
                  (config.RemovalDelay < 2 * config.ElectionTimeout)
                  "removal_delay"
                  ($"removal_delay ({config.RemovalDelay} ms) must be at least twice election_timeout "
                   + $"({config.ElectionTimeout} ms), or a member that is merely slow is removed.")
              rule
                  (config.FoundingMembers > config.MaxVoters)
                  "founding_members"
                  $"founding_members ({config.FoundingMembers}) must not exceed max_voters ({config.MaxVoters})." ]
