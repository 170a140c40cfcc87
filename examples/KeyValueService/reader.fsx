// Joins a running key-value service as an observer: it gets every write, never votes, and answers from its own copy.
//
//     dotnet build -c Release
//     Mosaik__Groups__map__Key=... dotnet fsi examples/KeyValueService/reader.fsx 127.0.0.1:7001 greeting

#I "../../facade-cs/Mosaik.Hybrid/bin/Release/net10.0"
#I "bin/Release/net10.0"
#r "Microsoft.Extensions.Logging.Abstractions.dll"
#r "Mosaik.Hybrid.Primitives.dll"
#r "Mosaik.Hybrid.Storage.Abstractions.dll"
#r "Mosaik.Hybrid.dll"
#r "KeyValueService.dll"

open System
open System.Threading.Tasks
open KeyValueService
open Mosaik.Hybrid

let address, keys =
    match List.ofArray fsi.CommandLineArgs with
    | _ :: address :: keys -> address, keys
    | _ -> failwith "usage: dotnet fsi reader.fsx HOST:PORT KEY..."

let key =
    match Environment.GetEnvironmentVariable "Mosaik__Groups__map__Key" with
    | null
    | "" -> failwith "Mosaik__Groups__map__Key has no group key."
    | text -> GroupKey.Parse text

/// Waits, as a script may; fails loudly after a minute.
let await (work: Task<'result>) =
    work.WaitAsync(TimeSpan.FromMinutes 1.).GetAwaiter().GetResult()

let network =
    Network
        .Builder("key-value-service")
        .ListenOn([ "127.0.0.1:0" ])
        .WithBootstrapPeers([| address |])
        .StartAsync()
    |> await

// The same parameters as the service's, or the two never meet; whether this node leads is its own affair.
let config = ConsensusConfig.Builder().WithFoundingMembers(3).Build().AsObserver()

let group =
    network.Groups.WithKey(key).WithConsensusConfig(config).WithStateMachine(KeyValueMap()).Join()

group.When.Online().WaitAsync(TimeSpan.FromMinutes 1.).GetAwaiter().GetResult()

let isObserver = group.Members.Observers |> Seq.exists (fun one -> one.Peer = network.LocalPeer)
printfn $"reads along, observer: {isObserver}"

for key in keys do
    // A quorum of the service says how fresh the answer must be; the answer is this node's own.
    let answer = group.QueryAsync(Get key, Consistency.Strong) |> await

    match answer.Result with
    | null -> printfn $"{key} has no value, as of {answer.Position}"
    | found -> printfn $"{key} = {found.Value}, version {found.Version}"

network.DisposeAsync().AsTask().Wait()
