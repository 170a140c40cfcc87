namespace Mosaik.Hybrid.Simulator.Tests.Scenarios

open System
open System.Collections.Generic

open Mosaik.Hybrid.Simulation

/// A scenario that was read without errors.
type Scenario =
    {
        File: string
        /// The first line of the file, without its comment sign.
        Title: string
        Lines: Line list
    }

/// Reads the text of a scenario: one statement a line, `#` begins a comment. Everything is checked before anything is
/// played: a name that nobody gave, a label used twice, a setting after the first event.
[<Sealed>]
type private Reading(file: string) =

    let names = HashSet<string>()
    let numbers = HashSet<string>()
    let commands = HashSet<string>()
    let calls = HashSet<string>()
    let mutable line = 0
    let mutable size = 0
    let mutable hasBegun = false

    let fail (reason: string) : 'any = raise (ScriptError(file, line, reason))

    let words (text: string list) = String.Join(' ', text)

    let integer (low: int) (high: int) (word: string) =
        match Int32.TryParse word with
        | true, value when value >= low && value <= high -> value
        | _ -> fail $"'{word}' is no number from {low} to {high}"

    let isPeer (word: string) =
        word.Length > 1
        && word[0] = 'n'
        && Seq.forall Char.IsAsciiDigit (word.Substring 1)

    let peerNumber (word: string) =
        if isPeer word then
            integer 1 size (word.Substring 1)
        else
            fail $"'{word}' is no peer"

    /// The words before and after a word; none when it is not there.
    let around (separator: string) (text: string list) =
        match List.tryFindIndex ((=) separator) text with
        | Some place -> Some(List.truncate place text, List.skip (place + 1) text)
        | None -> None

    let peerWord (word: string) =
        match word with
        | "leader" -> PeerWord.Leader
        | "follower" -> PeerWord.Follower
        | "followers" -> PeerWord.Followers
        | "everyone" -> PeerWord.Everyone
        | word when names.Contains word -> PeerWord.Named word
        | word when isPeer word -> PeerWord.Number(peerNumber word)
        | word -> fail $"'{word}' is neither a peer, a role, nor a name given by let"

    let peers (text: string list) : Peers =
        let included, excluded = around "but" text |> Option.defaultValue (text, [])
        if included.IsEmpty then
            fail "a peer is missing"
        { Words = List.map peerWord included; Except = List.map peerWord excluded }

    let span (text: string list) =
        match text with
        | [ count; "timeouts" ]
        | [ count; "timeout" ] -> Span.Timeouts(integer 1 1_000 count)
        | [ count; "ms" ] -> Span.Milliseconds(integer 1 100_000 count)
        | _ -> fail $"'{words text}' is no time: 3 timeouts, 40 ms"

    let fresh (taken: HashSet<string>) (what: string) (word: string) =
        if isPeer word || not (Seq.forall Char.IsLetterOrDigit word) then
            fail $"'{word}' can't be the name of a {what}"
        if not (taken.Add word) then
            fail $"'{word}' is the name of a {what} already"
        word

    let known (taken: HashSet<string>) (what: string) (word: string) =
        if taken.Contains word then
            word
        else
            fail $"no {what} is called '{word}'"

    let command = known commands "command"
    let call = known calls "call"

    let number (text: string list) =
        match text with
        | "term" :: "of" :: who -> Number.TermOf(peers who)
        | "commit" :: "of" :: who -> Number.CommitOf(peers who)
        | "place" :: "of" :: label :: "at" :: who -> Number.PlaceOf(command label, peers who)
        | [ name ] -> Number.Remembered(known numbers "number" name)
        | _ -> fail $"'{words text}' is no number: term of n1, commit of n1, place of a at n1, or a name"

    let compared (text: string list) =
        match around "is" text, around "above" text, around "at" text with
        | Some(left, right), _, _ -> Condition.Compare(number left, Comparison.Is, number right)
        | None, Some(left, right), _ -> Condition.Compare(number left, Comparison.Above, number right)
        | None, None, Some(left, "least" :: right) ->
            Condition.Compare(number left, Comparison.AtLeast, number right)
        | None, None, _ -> fail "compare with: is, above, at least"

    let sight (word: string) =
        match Coverage.Sights |> Array.tryFind (fun sight -> string sight = word) with
        | Some sight -> Condition.Seen sight
        | None -> fail $"'{word}' is no sight"

    /// Conditions about a call.
    let ofCall (label: string) (verb: string list) =
        match verb with
        | [ "succeeded" ] -> Some(Condition.Outcome(call label, CallOutcome.Succeeded))
        | [ "unknown" ] -> Some(Condition.Outcome(call label, CallOutcome.Unknown))
        | [ "refused" ] -> Some(Condition.Outcome(call label, CallOutcome.Refused))
        | [ "pending" ] -> Some(Condition.Outcome(call label, CallOutcome.Pending))
        | [ "ended" ] -> Some(Condition.Ended(call label))
        | [ "answered"; "nothing" ] -> Some(Condition.Answered(call label, []))
        | "answered" :: names when not names.IsEmpty ->
            Some(Condition.Answered(call label, List.map command names))
        | _ -> None

    let verbs =
        [ "holds"
          "has"
          "committed"
          "forgot"
          "counts"
          "alone"
          "down"
          "learner"
          "joint"
          "forwarded" ]

    /// Conditions about peers: who, a verb, and what.
    let ofPeers (who: string list) (verb: string) (what: string list) =
        match verb, what with
        | "holds", [ "entries"; "of"; count; "terms" ] ->
            Condition.HoldsTerms(peers who, integer 1 1_000 count)
        | "holds", [ label ] -> Condition.Holds(peers who, command label)
        | "has", [ label; "on"; "disk" ] -> Condition.OnDisk(peers who, command label)
        | "committed", [ label ] -> Condition.Committed(peers who, command label)
        | "forgot", [ label ] -> Condition.Forgot(peers who, command label)
        | "counts", label :: "at" :: others -> Condition.Counts(peers who, command label, peers others)
        | "forwarded", [ times; "times" ] -> Condition.Forwarded(peers who, integer 1 1_000 times)
        | "alone", [] -> Condition.Alone(peers who)
        | "down", [] -> Condition.Down(peers who)
        | "learner", [] -> Condition.Learner(peers who)
        | "joint", [] -> Condition.Joint(peers who)
        | _, _ -> fail $"'{verb} {words what}' is not understood"

    let rec condition (text: string list) : Condition =
        match text with
        | "not" :: rest -> Condition.Not(condition rest)
        | [ "leader" ] -> Condition.SomeoneLeads
        | [ "rest" ] -> Condition.Rest
        | [ "same"; "state" ] -> Condition.SameState
        | [ "one"; "lineage" ] -> Condition.Lineages 1
        | [ count; "lineages" ] -> Condition.Lineages(integer 0 100 count)
        | [ "never"; "two"; "leaders"; "in"; "one"; "term" ] -> Condition.OneLeaderATerm
        | [ "seen"; word ] -> sight word
        | "no" :: "leader" :: "at" :: who -> Condition.NoLeaderAt(peers who)
        | "candidates" :: who -> Condition.Candidates(peers who)
        | "voters" :: who -> Condition.Voters(peers who)
        | "committee" :: who -> Condition.Committee(peers who)
        | "state" :: "of" :: rest -> machine rest
        | [ "entry"; place; "is"; "committed" ] -> Condition.EntryAt(known numbers "number" place, ValueNone)
        | [ "entry"; place; "is"; label ] ->
            Condition.EntryAt(known numbers "number" place, ValueSome(command label))
        | "append" :: rest -> append rest
        | ("term" | "commit" | "place") :: _ -> compared text
        | name :: _ when numbers.Contains name -> compared text
        | label :: verb when calls.Contains label && (ofCall label verb).IsSome -> (ofCall label verb).Value
        | _ ->
            match List.tryFindIndex (fun word -> List.contains word verbs) text with
            | Some place -> ofPeers (List.truncate place text) text[place] (List.skip (place + 1) text)
            | None -> leads text

    and leads text =
        match text with
        | "leader" :: who -> Condition.Leads(peers who)
        | _ -> fail $"'{words text}' is no condition"

    and machine text =
        match around "is" text with
        | Some(who, [ "empty" ]) -> Condition.MachineOf(peers who, [])
        | Some(who, names) when not names.IsEmpty -> Condition.MachineOf(peers who, List.map command names)
        | Some _
        | None -> fail "say: state of n1 is a b, or: state of n1 is empty"

    and append text =
        match around "->" text with
        | Some(sender, towards) ->
            match around "of" towards with
            | Some(recipient, [ count; "entries" ]) ->
                Condition.Append(peers sender, peers recipient, integer 1 100_000 count)
            | Some _
            | None -> fail "say: append n1 -> n2 of 5 entries"
        | None -> fail "say: append n1 -> n2 of 5 entries"

    let setting (text: string list) : Setting voption =
        let count = integer 0 1_000_000
        match text with
        | "reluctant" :: rest ->
            match around "by" rest with
            | Some(who, [ factor ]) ->
                ValueSome(Setting.Reluctant(List.map peerNumber who, integer 2 100 factor))
            | Some _
            | None -> fail "say: reluctant n2 n3 by 20"
        | "drift" :: rest ->
            match around "by" rest with
            | Some(who, [ parts; "in"; "1000" ]) ->
                ValueSome(Setting.Drift(List.map peerNumber who, integer -900 900 parts))
            | Some _
            | None -> fail "say: drift n1 by -500 in 1000"
        | "observer" :: who -> ValueSome(Setting.Observer(List.map peerNumber who))
        | [ "jitter"; time; "ms" ] -> ValueSome(Setting.Jitter(count time))
        | [ "removal"; "delay"; time; "ms" ] -> ValueSome(Setting.RemovalDelay(count time))
        | [ "voters"; "at"; "most"; most ] -> ValueSome(Setting.VotersMax(integer 1 31 most))
        | [ "entries"; "an"; "append"; most ] -> ValueSome(Setting.EntriesAnAppend(integer 1 1_000 most))
        | [ "bytes"; "an"; "append"; most ] -> ValueSome(Setting.BytesAnAppend(integer 1 100_000 most))
        | [ "snapshots"; "every"; entries; "entries" ] ->
            ValueSome(Setting.SnapshotEvery(integer 1 1_000 entries))
        | [ "forward"; "timeout"; time; "ms" ] -> ValueSome(Setting.ForwardTimeout(count time))
        | [ "bootstrap"; "delay"; time; "ms" ] -> ValueSome(Setting.BootstrapDelay(count time))
        | [ "network"; "repeats"; times; "in"; "1000" ] ->
            ValueSome(Setting.NetworkRepeats(integer 1 1_000 times))
        | [ "network"; "delays"; low; "to"; high; "us" ] ->
            ValueSome(Setting.NetworkDelays(count low, count high))
        | [ "disks"; "take"; "up"; "to"; time; "us" ] -> ValueSome(Setting.DisksTake(count time))
        | [ "machines"; "apply"; "up"; "to"; entries; "entries"; "in"; "up"; "to"; time; "us" ] ->
            ValueSome(Setting.MachinesApply(integer 1 1_000 entries, count time))
        | _ -> ValueNone

    let link make (text: string list) =
        match around "->" text, around "-" text with
        | Some(senders, receivers), _ -> make (peers senders, peers receivers, false)
        | None, Some(left, right) -> make (peers left, peers right, true)
        | None, None -> fail "say which way: n1 -> n2, or n1 - n2 for both"

    let handOver (text: string list) =
        match around "to" text with
        | Some(asked, target) -> Statement.HandOver(peers asked, ValueSome(peers target))
        | None -> Statement.HandOver(peers text, ValueNone)

    let labelled (text: string list) =
        match around "as" text with
        | Some(who, [ name ]) -> struct (who, name, ValueNone)
        | Some(who, name :: "for" :: time) -> struct (who, name, ValueSome(span time))
        | Some _
        | None -> fail "a call has a name: execute n1 as a, read strong n1 as r for 3 timeouts"

    let execute (text: string list) =
        let struct (who, name, patience) = labelled text
        let name = fresh calls "call" name
        match around "batch" who with
        | Some(who, [ count ]) ->
            let labels =
                [ for place in 1 .. integer 2 100 count do
                      fresh commands "command" (name + string place) ]
            Statement.Execute(peers who, labels, name, patience)
        | Some _ -> fail "say: execute n1 batch 3 as a"
        | None -> Statement.Execute(peers who, [ fresh commands "command" name ], name, patience)

    let read (isStrong: bool) (text: string list) =
        let struct (who, name, patience) = labelled text
        Statement.Read(peers who, isStrong, fresh calls "call" name, patience)

    let wallClock (text: string list) =
        match List.rev text with
        | "ms" :: by :: who -> Statement.WallClock(peers (List.rev who), integer -100_000_000 100_000_000 by)
        | _ -> fail "say: clock n2 +5000 ms"

    let giveName (text: string list) =
        match text with
        | name :: "=" :: who ->
            let who = peers who
            if List.contains name [ "leader"; "follower"; "followers"; "everyone"; "but" ] then
                fail $"'{name}' is a role"
            if isPeer name then
                fail $"'{name}' is a peer"
            names.Add name |> ignore
            Statement.Let(name, who)
        | _ -> fail "say: let old = leader"

    let remember (text: string list) =
        match around "as" text with
        | Some(what, [ name ]) ->
            let what = number what
            Statement.Remember(fresh numbers "number" name, what)
        | Some _
        | None -> fail "say: remember term of n1 as before"

    let event (text: string list) =
        match text with
        | "let" :: rest -> giveName rest
        | "start" :: who -> Statement.Do(Deed.Start, peers who)
        | "crash" :: who -> Statement.Do(Deed.Crash, peers who)
        | "wipe" :: who -> Statement.Do(Deed.Wipe, peers who)
        | "pause" :: who -> Statement.Do(Deed.Pause, peers who)
        | "resume" :: who -> Statement.Do(Deed.Resume, peers who)
        | "stall" :: "disk" :: who -> Statement.Do(Deed.StallDisk, peers who)
        | "free" :: "disk" :: who -> Statement.Do(Deed.FreeDisk, peers who)
        | "leave" :: who -> Statement.Do(Deed.Leave, peers who)
        | "hand" :: "over" :: rest -> handOver rest
        | "isolate" :: who -> Statement.Do(Deed.Isolate, peers who)
        | "cut" :: rest -> link Statement.Cut rest
        | "join" :: rest -> link Statement.Join rest
        | [ "heal" ] -> Statement.Heal
        | "clock" :: rest -> wallClock rest
        | "execute" :: rest -> execute rest
        | "read" :: "strong" :: rest -> read true rest
        | "read" :: "weak" :: rest -> read false rest
        | "run" :: time -> Statement.Run(span time)
        | "remember" :: rest -> remember rest
        | "await" :: rest -> Statement.Await(condition rest)
        | "expect" :: rest -> Statement.Expect(condition rest)
        | _ -> fail $"'{words text}' is no statement"

    let statement (text: string list) =
        match text with
        | [ "peers"; count; "founding"; founding ] ->
            if size > 0 then
                fail "the peers are known already"
            size <- integer 1 31 count
            Statement.Group(size, integer 1 size founding)
        | _ when size = 0 -> fail "a scenario begins with: peers 3 founding 3"
        | _ ->
            match setting text with
            | ValueSome _ when hasBegun -> fail "settings come before the first event"
            | ValueSome setting -> Statement.Set setting
            | ValueNone ->
                hasBegun <- true
                event text

    member _.Read(text: string) : Scenario =
        let lines = text.Split '\n'
        let title = lines[0].TrimStart('#', ' ').TrimEnd()
        if not (lines[0].StartsWith '#') || title = "" then
            line <- 1
            fail "the first line is a comment that names the scenario"
        let statements =
            [ for place in 0 .. lines.Length - 1 do
                  line <- place + 1
                  let code = (lines[place].Split '#')[0]
                  let text =
                      code.Split(
                          ' ',
                          StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries
                      )
                  if text.Length > 0 then
                      { Number = line; Text = code.Trim(); Statement = statement (List.ofArray text) } ]
        let isExpectation (line: Line) =
            match line.Statement with
            | Statement.Expect _ -> true
            | _ -> false
        if not (List.exists isExpectation statements) then
            fail "a scenario expects something"
        { File = file; Title = title; Lines = statements }

[<RequireQualifiedAccess>]
module Scenario =

    /// Reads a scenario; raises `ScriptError` for the first mistake. `file` is for reports.
    let read (file: string) (text: string) : Scenario =
        Reading(file).Read(text.Replace("\r", ""))
