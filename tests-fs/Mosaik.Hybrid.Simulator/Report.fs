namespace Mosaik.Hybrid.Simulator

open System
open System.IO

open Mosaik.Hybrid.Simulation

/// How runs are told of to people.
[<RequireQualifiedAccess>]
module Report =

    let private command (plan: Plan) (edits: Edits) =
        let edits = Edits.arguments edits
        $"dotnet run -c Release --project tests-fs/Mosaik.Hybrid.Simulator -- --seed {plan.Seed} --profile {plan.Profile} {edits}"
            .TrimEnd()

    /// What a run was made of.
    let plan (output: TextWriter) (plan: Plan) =
        let consensus = plan.Consensus
        output.WriteLine(
            $"seed {plan.Seed} of profile {plan.Profile}: {plan.Size} peers, "
            + $"{plan.FaultyFor} ms with {plan.Faults.Length} faults, {plan.Calls.Length} calls"
        )
        output.WriteLine(
            $"  network {plan.Network}".ReplaceLineEndings(" ")
            + Environment.NewLine
            + $"  runtime {plan.Runtime}".ReplaceLineEndings(" ")
        )
        output.WriteLine(
            $"  election timeout {consensus.ElectionTimeout}+{consensus.ElectionTimeoutJitter} ms, heartbeat {consensus.HeartbeatInterval} ms, "
            + $"founding members {consensus.FoundingMembers}, voters at most {consensus.MaxVoters}, "
            + $"per append {consensus.EntriesPerAppendMax}, in flight {consensus.EntriesInFlightMax}, uncommitted {consensus.EntriesUncommittedMax}"
        )

    /// A broken rule: which, what it says, what showed it, the last events, and how to see it again.
    let failure (output: TextWriter) (result: RunResult) (failure: Failure) (edits: Edits) =
        plan output result.Plan
        output.WriteLine $"BROKEN: {failure.Rule.Name}"
        output.WriteLine $"  {failure.Rule.Sentence}"
        output.WriteLine $"  after {failure.At} ms and {failure.Events} events: {failure.Evidence}"
        if not result.Trace.IsEmpty then
            output.WriteLine "The last events:"
            for line in result.Trace do
                output.WriteLine line
        output.WriteLine "To see it again:"
        output.WriteLine $"  {command result.Plan edits} --trace"

    /// How often every interesting state was met, in columns.
    let coverage (output: TextWriter) (coverage: Coverage) (runs: int64) =
        output.WriteLine $"What {runs} runs met:"
        let missing = coverage.Missing runs |> List.map (fun (struct (sight, _, _)) -> sight)
        let cells =
            Coverage.Sights
            |> Array.map (fun sight ->
                let mark = if List.contains sight missing then "!" else " "
                $"%12d{coverage[sight]}{mark} %-32s{string sight}")
        for row in Array.chunkBySize 3 cells do
            output.WriteLine(String.Join("", row).TrimEnd())

    let rules (output: TextWriter) =
        for rule in Rules.all do
            output.WriteLine $"{rule.Name}: {rule.Sentence}"
