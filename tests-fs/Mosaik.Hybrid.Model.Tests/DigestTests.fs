module Mosaik.Hybrid.Model.Tests.DigestTests

open System.Collections.Generic

open Expecto

open Mosaik.Hybrid.Model

let private digestOf (bytes: int seq) =
    let encoder = Encoder()
    bytes |> Seq.iter encoder.Byte
    encoder.Finish()

[<Tests>]
let tests =
    testList
        "Digests"
        [ testCase "the same bytes have the same digest, in an encoder that was used before too" (fun () ->
              let encoder = Encoder()
              encoder.Word 7UL
              encoder.Clear()
              [ 1; 2; 3 ] |> List.iter encoder.Byte
              Expect.equal (encoder.Finish()) (digestOf [ 1; 2; 3 ]) "digest")

          testCase "all strings of up to two bytes have different digests" (fun () ->
              let digests = HashSet<Digest>()
              digests.Add(digestOf []) |> ignore
              for first in 0..255 do
                  digests.Add(digestOf [ first ]) |> ignore
                  for second in 0..255 do
                      digests.Add(digestOf [ first; second ]) |> ignore
              Expect.equal digests.Count (1 + 256 + 256 * 256) "distinct digests")

          testCase "what does not fit a byte is refused" (fun () ->
              Expect.throws (fun () -> Encoder().Byte 256) "256"
              Expect.throws (fun () -> Encoder().Byte -1) "-1")

          testCase "visited digests are new once, however many there are" (fun () ->
              let visited = Visited 1_024
              let digests = [| for number in 0..9_999 -> digestOf [ number / 256; number % 256 ] |]
              for digest in digests do
                  Expect.isTrue (visited.Add digest) "new"
              for digest in digests do
                  Expect.isFalse (visited.Add digest) "known"
              Expect.equal visited.Count 10_000 "count") ]
