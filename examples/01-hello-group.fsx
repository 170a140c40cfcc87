// Three nodes in one process become a group and keep one number, over TLS on loopback.
//
//     dotnet build -c Release
//     dotnet fsi examples/01-hello-group.fsx

#I "../facade-cs/Mosaik.Hybrid/bin/Release/net10.0"
#r "Microsoft.Extensions.Logging.Abstractions.dll"
#r "Mosaik.Hybrid.Primitives.dll"
#r "Mosaik.Hybrid.Storage.Abstractions.dll"
#r "Mosaik.Hybrid.dll"

open System
open System.Threading.Tasks
open Mosaik.Hybrid

/// What the group replicates: commands are amounts, and there is one question.
type Question = Total

type Counter() =
    let mutable total = 0L

    interface IStateMachine<int64, Question, int64> with
        member _.Signature = "hello.counter/1"
        member _.Apply(amount, _: inref<ApplyContext>) = total <- total + amount
        member _.Query Total = total

/// The only thing that the nodes share besides the network's name.
let key = GroupKey.Generate()

/// With the number of nodes here, they found the group as soon as all of them have met.
let config = ConsensusConfig.Builder().WithFoundingMembers(3).Build()

let start peers =
    Network
        .Builder("hello")
        .ListenOn([ "127.0.0.1:0" ])
        .WithBootstrapPeers(peers: Transport.PeerAddress seq)
        .StartAsync()

/// Waits, as a script may; fails loudly after a minute.
let await (work: Task<'result>) =
    work.WaitAsync(TimeSpan.FromMinutes 1.).GetAwaiter().GetResult()

let first = start [] |> await
let others = [ for _ in 2..3 -> start first.Addresses |> await ]

let groups =
    [ for network in first :: others ->
          network.Groups.WithKey(key).WithConsensusConfig(config).WithStateMachine(Counter()).Join() ]

let leaders = [ for group in groups -> group.When.LeaderElected() |> await ]
printfn $"leader: {leaders |> List.distinct |> List.map _.Short}"

let range = groups[1].ExecuteManyAsync [ 1L; 2L; 39L ] |> await
let answer = groups[2].QueryAsync(Total, Consistency.Strong) |> await
printfn $"commands at {range}; the third node answers {answer.Result}, as of {answer.Position}"

for network in others @ [ first ] do
    network.DisposeAsync().AsTask().Wait()

if answer.Result <> 42L then
    failwith $"expected 42, but the group says {answer.Result}"
