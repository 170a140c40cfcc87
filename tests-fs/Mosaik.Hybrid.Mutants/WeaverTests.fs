module Mosaik.Hybrid.Mutants.WeaverTests

open System.Threading

open Expecto

let private edit (original: string list) (mutated: string list) =
    { File = "A.fs"; Within = None; Original = original; Mutated = mutated }

let private mutant (number: int) (edits: Edit list) =
    { Numbers = [ number ]
      Title = $"bug {number}"
      Source = "here"
      Why = "to see it"
      Seeds = 20
      Profile = None
      Fate = Fate.Killed
      Edits = edits }

let private on = "Mosaik.Hybrid.Mutants.Mutation.isOn"

let private weave (text: string list) (mutants: Mutant list) =
    Weave.source "A.fs" (String.concat "\n" text) mutants

let private wovenIs (expected: string list) (text: string list) (mutants: Mutant list) =
    Expect.equal (weave text mutants) (String.concat "\n" expected) "woven as expected"

let private complaint (action: unit -> 'value) =
    try
        action () |> ignore
        failtest "nothing was refused"
    with CatalogueError messages ->
        String.concat "\n" messages

let private layout =
    testList
        "layout"
        [ testCase "a source without edits stays as it is"
          <| fun () ->
              let text = [ "module A"; ""; "let f x ="; "    x + 1"; "" ]
              wovenIs text text [ mutant 1 [ { edit [ "x" ] [ "y" ] with File = "B.fs" } ] ]

          testCase "an expression of one line stays on its line"
          <| fun () ->
              wovenIs
                  [ $"let f x = (if {on} 7 then (x + 2) else (x + 1)) |> g" ]
                  [ "let f x = x + 1 |> g" ]
                  [ mutant 7 [ edit [ "x + 1" ] [ "x + 2" ] ] ]

          testCase "an expression of several lines keeps its shape, further to the right"
          <| fun () ->
              wovenIs
                  [ "let f x ="
                    $"    (if {on} 7 then"
                    "         none"
                    "     else "
                    "         match x with"
                    "         | 0 ->"
                    "             one"
                    ""
                    "         | _ -> two)"
                    "let g = 1" ]
                  [ "let f x ="
                    "    match x with"
                    "    | 0 ->"
                    "        one"
                    ""
                    "    | _ -> two"
                    "let g = 1" ]
                  [ mutant 7 [ edit [ "match x with"; "| 0 ->"; "one"; ""; "| _ -> two" ] [ "none" ] ] ]

          testCase "a mutant of several lines is laid out under its switch"
          <| fun () ->
              wovenIs
                  [ $"let f x = g (if {on} 7 then"
                    "                 if x then"
                    "                     a"
                    "                 else"
                    "                     b"
                    "             else "
                    "                 z) y" ]
                  [ "let f x = g z y" ]
                  [ mutant 7 [ edit [ "z" ] [ "if x then"; "    a"; "else"; "    b" ] ] ]

          testCase "several mutants of one expression share it"
          <| fun () ->
              wovenIs
                  [ $"let f x = (if {on} 7 then (x + 2) else if {on} 8 then (x + 3) else (x + 1))" ]
                  [ "let f x = x + 1" ]
                  [ mutant 7 [ edit [ "x + 1" ] [ "x + 2" ] ]; mutant 8 [ edit [ "x + 1" ] [ "x + 3" ] ] ]

          testCase "a mutant may be inside the expression of another"
          <| fun () ->
              wovenIs
                  [ $"let f x = (if {on} 8 then (0) else (g (if {on} 7 then (2) else (1)) x))" ]
                  [ "let f x = g 1 x" ]
                  [ mutant 7 [ edit [ "1" ] [ "2" ] ]; mutant 8 [ edit [ "g 1 x" ] [ "0" ] ] ] ]

let private refusals =
    testList
        "refusals"
        [ testCase "an original that is not there is refused, by mutant and file"
          <| fun () ->
              let message =
                  complaint (fun () -> weave [ "let f x = x" ] [ mutant 7 [ edit [ "y + 1" ] [ "y" ] ] ])
              Expect.stringContains message "A.fs: mutant 7 (bug 7)" "which mutant, and where"
              Expect.stringContains message "0 times" "how often it is there"
              Expect.stringContains message "y + 1" "what was looked for"

          testCase "an original that is there twice is refused"
          <| fun () ->
              let message =
                  complaint (fun () ->
                      weave [ "let f x = x"; "let g x = x" ] [ mutant 7 [ edit [ "x = x" ] [ "1" ] ] ])
              Expect.stringContains message "2 times" "how often it is there"

          testCase "every stale edit is named, not only the first"
          <| fun () ->
              let message =
                  complaint (fun () ->
                      weave
                          [ "let f x = x" ]
                          [ mutant 7 [ edit [ "y" ] [ "z" ] ]; mutant 8 [ edit [ "z" ] [ "y" ] ] ])
              Expect.stringContains message "mutant 7" "the first"
              Expect.stringContains message "mutant 8" "the second"

          testCase "a part of a word is no occurrence"
          <| fun () ->
              let message =
                  complaint (fun () -> weave [ "let xs = ys" ] [ mutant 7 [ edit [ "y" ] [ "z" ] ] ])
              Expect.stringContains message "0 times" "ys is not y"

          testCase "snippets that overlap in part are refused"
          <| fun () ->
              let message =
                  complaint (fun () ->
                      weave
                          [ "let f = a + b + c" ]
                          [ mutant 7 [ edit [ "a + b" ] [ "0" ] ]; mutant 8 [ edit [ "b + c" ] [ "0" ] ] ])
              Expect.stringContains message "mutants 7 and 8 overlap" "which two"

          testCase "a snippet that goes on left of its first word is refused"
          <| fun () ->
              let message =
                  complaint (fun () ->
                      weave
                          [ "let f = g (fun x ->"; "    x)" ]
                          [ mutant 7 [ edit [ "g (fun x ->"; "x)" ] [ "0" ] ] ])
              Expect.stringContains message "goes on left of where it begins" "the layout would break"

          testCase "a file that is not among the sources is refused"
          <| fun () ->
              let message =
                  complaint (fun () -> Weave.checkFiles [ "B.fs" ] [ mutant 7 [ edit [ "x" ] [ "y" ] ] ])
              Expect.stringContains message "A.fs is not among the sources" "which file" ]

let private scopes =
    let text = [ "let f x ="; "    x + 1"; ""; "let g x ="; "    let h ="; "        x + 1"; "    h" ]
    let within line =
        mutant 7 [ { edit [ "x + 1" ] [ "0" ] with Within = Some line } ]
    testList
        "within"
        [ testCase "only the block that the line begins is searched"
          <| fun () ->
              let woven = weave text [ within "let f x" ]
              Expect.stringContains woven $"let f x =\n    (if {on} 7" "the first of the two"

          testCase "a block ends where its indentation does"
          <| fun () ->
              let woven = weave text [ within "let h" ]
              Expect.stringContains woven $"    let h =\n        (if {on} 7" "the second of the two"

          testCase "a line that is not there is refused"
          <| fun () ->
              let message = complaint (fun () -> weave text [ within "let k" ])
              Expect.stringContains message "'let k' is a part of 0 lines" "which line" ]

let private file =
    [ "number: 8"
      "title: looks at the index only"
      "source: SAFETY §5"
      "why: A long log wins."
      "seeds: 36"
      ""
      "file: A.fs"
      "within: let f"
      "replace:"
      "    if x then"
      "        a"
      "with:"
      "    b"
      "replace:"
      "    c"
      "with:"
      "    d" ]

let private readLines (lines: string list) =
    Catalogue.read "8.mutant" (String.concat "\n" lines)

let private catalogue =
    testList
        "catalogue"
        [ testCase "a file says everything about its mutant"
          <| fun () ->
              let read = readLines file
              let first =
                  { File = "A.fs"
                    Within = Some "let f"
                    Original = [ "if x then"; "    a" ]
                    Mutated = [ "b" ] }
              let second = { File = "A.fs"; Within = None; Original = [ "c" ]; Mutated = [ "d" ] }
              Expect.equal
                  read
                  { Numbers = [ 8 ]
                    Title = "looks at the index only"
                    Source = "SAFETY §5"
                    Why = "A long log wins."
                    Seeds = 36
                    Profile = None
                    Fate = Fate.Killed
                    Edits = [ first; second ] }
                  "as it is written"

          testCase "what a file lacks, or has too much, is refused by its name"
          <| fun () ->
              let refused (change: string list -> string list) (expected: string) =
                  let message = complaint (fun () -> readLines (change file))
                  Expect.stringContains message $"8.mutant: {expected}" "what is wrong, and where"
              let without (start: string) =
                  List.filter (fun (line: string) -> not (line.StartsWith start))
              refused (without "title") "'title' is missing"
              refused (without "seeds") "'seeds' is missing"
              refused (without "number") "either 'number' or 'numbers', please"
              refused (fun file -> "colour: red" :: file) "unknown field 'colour'"
              refused (fun file -> "title: twice" :: file) "'title' stands there more than once"
              refused
                  (List.map (fun line -> if line = "number: 8" then "number: 0" else line))
                  "'0' is no number"
              refused (List.take 5) "no edits"
              refused (List.take 11) "an edit of A.fs without 'replace:' or 'with:'"
              refused
                  (List.map (fun line -> if line = "    d" then "    c" else line))
                  "an edit of A.fs that changes"
              refused
                  (List.map (fun line -> if line = "number: 8" then "numbers: 8 9" else line))
                  "a combination has no" ]

let private switch =
    testList
        "switch"
        [ testCase "mutants are off unless they are on"
          <| fun () ->
              Expect.isFalse (Mutation.isOn 8) "before"
              let inside =
                  Mutation.run [ 8; 9 ] (fun () -> Mutation.isOn 8, Mutation.isOn 9, Mutation.isOn 10)
              Expect.equal inside (true, true, false) "during"
              Expect.isFalse (Mutation.isOn 8) "after"

          testCase "an inner run has its own mutants, and a failed one leaves none"
          <| fun () ->
              Mutation.run [ 8 ] (fun () ->
                  Expect.throws
                      (fun () -> Mutation.run [ 9 ] (fun () -> failwith "falls"))
                      "the exception comes out"
                  Expect.isFalse (Mutation.run [ 9 ] (fun () -> Mutation.isOn 8)) "not inherited"
                  Expect.isTrue (Mutation.isOn 8) "back again"
                  Expect.isFalse (Mutation.isOn 9) "not left on")

          testCase "another thread has its own"
          <| fun () ->
              Mutation.run [ 8 ] (fun () ->
                  let seen = [| true |]
                  let other = Thread(fun () -> seen[0] <- Mutation.isOn 8)
                  other.Start()
                  other.Join()
                  Expect.isFalse seen[0] "nothing leaves the thread") ]

[<Tests>]
let tests = testList "Weaver" [ layout; refusals; scopes; catalogue; switch ]
