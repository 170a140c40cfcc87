module Mosaik.Hybrid.Model.Tests.CliTests

open Expecto

open Mosaik.Hybrid.Model

let private codeOf (line: string) =
    Cli.run (line.Split(' ', System.StringSplitOptions.RemoveEmptyEntries) |> List.ofArray)

[<Tests>]
let tests =
    testList
        "The command"
        [ testCase "ends with 0 when every rule holds" (fun () ->
              Expect.equal
                  (codeOf "--tier configuration --terms 1 --proposals 0 --crashes 0 --writes 0 --minutes 5")
                  0
                  "exit code")

          testCase "ends with 0 when a limit comes first, and says so" (fun () ->
              Expect.equal (codeOf "--tier all --states-max 100") 0 "exit code"
              let report = explore { Bounds.small Tier.Atomic with StatesMax = 100 }
              Expect.equal report.Ending (Ending.Cut "100 states") "ending"
              Expect.equal report.States 100 "states")

          testCase "ends with 2 for what it does not know or can't do" (fun () ->
              for line in
                  [ "--tears 3"
                    "--tier none"
                    "--terms"
                    "--terms many"
                    "--terms 99"
                    "--members 0"
                    "atomic" ] do
                  Expect.equal (codeOf line) 2 line)

          testCase "helps" (fun () -> Expect.equal (codeOf "--help") 0 "exit code")

          testCase "prints the way to a broken rule" (fun () ->
              let report =
                  explore { Bounds.small Tier.Atomic with Sabotage = Sabotage.ForgeAcknowledgements }
              let text = String.concat "\n" (Cli.table [ report ])
              Expect.stringContains text ("BROKEN: " + Rule.durableQuorum) "the ending"
              Expect.stringContains text "LEADS term 2" "a state") ]
