module Mosaik.Hybrid.Core.Tests.Discovery.CatalogTests

open Expecto

open Mosaik.Hybrid
open Mosaik.Hybrid.Core
open Mosaik.Hybrid.Core.Tests.Discovery.World

let private config = { DiscoveryConfig.defaults with EntriesMax = 3 }
let private self = recordOf 0 epoch

let private at started updated number =
    { recordOf number epoch with
        Version = { StartedAt = epoch + started; UpdatedAt = epoch + updated } }

let private merge record catalog =
    Catalog.merge config epoch self (sign record) catalog

let private holding records =
    let add catalog record =
        match merge record catalog with
        | Ok(struct (catalog, _)) -> catalog
        | Error refusal -> failtest $"refused: {refusal}"
    List.fold add Catalog.empty records

let private outcome result =
    match result with
    | Ok(struct (_, change)) -> Ok change
    | Error refusal -> Error refusal

let private expect record catalog expected =
    Expect.equal (outcome (merge record catalog)) expected "what became of the record"

let private buried record =
    { record with Departed = true; Addresses = [||] }

[<Tests>]
let tests =
    testList
        "The catalogue"
        [ testCase "takes a newer update of the same life"
          <| fun () ->
              expect { at 0L 2L 1 with Tags = [| "x" |] } (holding [ at 0L 1L 1 ]) (Ok CatalogChange.Updated)

          testCase "calls a newer record that says the same a renewal"
          <| fun () -> expect (at 0L 2L 1) (holding [ at 0L 1L 1 ]) (Ok CatalogChange.Refreshed)

          testCase "refuses the same version and an older one"
          <| fun () ->
              expect (at 0L 1L 1) (holding [ at 0L 1L 1 ]) (Error Refusal.NotNewer)
              expect (at 0L 0L 1) (holding [ at 0L 1L 1 ]) (Error Refusal.NotNewer)

          testCase "prefers a later life to any update of an earlier one"
          <| fun () ->
              expect (at 5L 5L 1) (holding [ at 0L 9L 1 ]) (Ok CatalogChange.Updated)
              expect (at 0L 9L 1) (holding [ at 5L 5L 1 ]) (Error Refusal.NotNewer)

          testCase "refuses another network"
          <| fun () ->
              let foreign = { at 0L 0L 1 with Network = NetworkId Bytes32.Zero }
              expect foreign Catalog.empty (Error Refusal.DifferentNetwork)

          testCase "refuses what is as old as the purge, and takes what is younger"
          <| fun () ->
              expect (at -300_000L -300_000L 1) Catalog.empty (Error Refusal.Outdated)
              expect (at -299_999L -299_999L 1) Catalog.empty (Ok CatalogChange.Discovered)

          testCase "refuses what is further ahead than the drift, by either time"
          <| fun () ->
              expect (at 0L 50_000L 1) Catalog.empty (Ok CatalogChange.Discovered)
              expect (at 0L 50_001L 1) Catalog.empty (Error Refusal.TooFarAhead)
              let endless =
                  { at 0L 0L 1 with Version = { StartedAt = 0L; UpdatedAt = System.Int64.MaxValue } }
              Expect.isError (outcome (merge endless Catalog.empty)) "a time that overflows"

          testCase "never takes its own node's record from others"
          <| fun () -> expect (at 9L 9L 0) Catalog.empty (Error Refusal.Own)

          testCase "buries a known peer, and one that it never knew"
          <| fun () ->
              expect (buried (at 0L 1L 1)) (holding [ at 0L 0L 1 ]) (Ok CatalogChange.Departed)
              expect (buried (at 0L 1L 1)) Catalog.empty (Ok CatalogChange.Buried)

          testCase "does not let an older record raise the dead, but a later life may"
          <| fun () ->
              let graves = holding [ buried (at 0L 5L 1) ]
              expect (at 0L 4L 1) graves (Error Refusal.NotNewer)
              expect (at 6L 6L 1) graves (Ok CatalogChange.Discovered)

          testCase "refuses a newcomer when it is full of living peers, but no update"
          <| fun () ->
              let full = holding [ at 0L 0L 1; at 0L 0L 2; at 0L 0L 3 ]
              expect (at 0L 0L 4) full (Error Refusal.Full)
              expect (at 0L 1L 3) full (Ok CatalogChange.Refreshed)

          testCase "gives up its oldest tombstone for a newcomer"
          <| fun () ->
              let full = holding [ at 0L 0L 1; buried (at 0L 5L 2); buried (at 0L 4L 3) ]
              match merge (at 0L 0L 4) full with
              | Ok(struct (catalog, _)) ->
                  Expect.equal
                      (List.ofSeq catalog.Entries.Keys)
                      [ peerOf 1; peerOf 2; peerOf 4 ]
                      "who is left"
                  Expect.equal (catalog.Live, catalog.Tombstones) (2, 1) "the counts"
                  Expect.equal catalog.Bytes 900L "the bytes"
              | Error refusal -> failtest $"refused: {refusal}"

          testCase "keeps within its bytes"
          <| fun () ->
              let tight = { config with CatalogBytesMax = 500L }
              let result = Catalog.merge tight epoch self (sign (at 0L 0L 2)) (holding [ at 0L 0L 1 ])
              Expect.equal (outcome result) (Error Refusal.Full) "300 bytes more"

          testCase "purges what was not renewed, and says when the next is due"
          <| fun () ->
              let catalog = holding [ at 0L 0L 1; at 0L 10L 2; buried (at 0L 0L 3) ]
              let struct (left, gone, wait) = Catalog.purge config (epoch + 300_000L) catalog
              Expect.equal [ for entry in gone -> entry.Record.Peer ] [ peerOf 1 ] "the living that are gone"
              Expect.equal (List.ofSeq left.Entries.Keys) [ peerOf 2 ] "who is left"
              Expect.equal wait 10L "until the next" ]
