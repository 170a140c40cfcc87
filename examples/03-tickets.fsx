// Only peers with a ticket get in: signed tokens, one for each peer, over TLS on loopback. A member loses its ticket and
// is out; with another it is back. A thief's copy is worthless.
//
//     dotnet build -c Release
//     dotnet fsi examples/03-tickets.fsx

#I "../facade-cs/Mosaik.Hybrid/bin/Release/net10.0"
#r "Microsoft.Extensions.Logging.Abstractions.dll"
#r "Mosaik.Hybrid.Primitives.dll"
#r "Mosaik.Hybrid.Storage.Abstractions.dll"
#r "Mosaik.Hybrid.dll"

open System
open System.Threading.Tasks
open Mosaik.Hybrid
open Mosaik.Hybrid.Tickets

/// Whoever issues tickets has the private key; members need the public one only.
let issuer = Es256.GenerateSigningKey()
let validator = Jwt.WithKey(Es256.Pem(issuer.VerifyingKey.ExportPem())).AllowIssuer("example")

let ticketFor (peer: PeerId) =
    JwtTicketBuilder(issuer).Issuer("example").ExpiresIn(TimeSpan.FromHours 1.).Build(peer)

/// Waits, as a script may; fails loudly after a minute.
let await (work: Task<'result>) =
    work.WaitAsync(TimeSpan.FromMinutes 1.).GetAwaiter().GetResult()

let until (what: string) (holds: unit -> bool) =
    let deadline = TimeProvider.System.GetUtcNow().AddMinutes 1.
    while not (holds ()) do
        if TimeProvider.System.GetUtcNow() > deadline then
            failwith $"this did not happen: {what}"
        Task.Delay(20).Wait()
    printfn $"{what}"

let start peers =
    Network
        .Builder("guarded")
        .ListenOn([ "127.0.0.1:0" ])
        .WithBootstrapPeers(peers: Transport.PeerAddress seq)
        .StartAsync()

/// With the number of nodes here, they found the group as soon as all of them have met.
let config = ConsensusConfig.Builder().WithFoundingMembers(3).Build()

/// With a public key, this group key is no secret: the tickets are what keeps strangers out.
let join (network: Network) =
    network.Groups
        .WithKey(GroupKey.From validator)
        .WithConsensusConfig(config)
        .RequireTicket(validator)
        .Join()

let first = start [] |> await
let members = first :: [ for _ in 2..3 -> start first.Addresses |> await ]
let thief = start first.Addresses |> await

for network in members do
    network.Discovery.AddTicket(ticketFor network.LocalPeer)

// Tickets can be read by everybody in the network, and are for one peer each.
thief.Discovery.AddTicket(ticketFor first.LocalPeer)

let groups = members |> List.map join
let outside = join thief
let leaders = [ for group in groups -> group.When.LeaderElected() |> await ]
printfn $"leader: {leaders |> List.distinct |> List.map _.Short}"

let last = List.last members
last.Discovery.RemoveTicketsOf Jwt.TicketClass
until "a member without its ticket has lost its bonds" (fun () -> groups[2].Bonds.Count = 0)

last.Discovery.AddTicket(ticketFor last.LocalPeer)
until "with another ticket it is back" (fun () -> groups[2].Bonds.Count = 2)

let intruders = outside.Bonds.Count
printfn $"the thief, with a copy of a good ticket, has {intruders} bonds"

for network in thief :: members do
    network.DisposeAsync().AsTask().Wait()

if intruders > 0 then
    failwith "a copied ticket opened the door"
