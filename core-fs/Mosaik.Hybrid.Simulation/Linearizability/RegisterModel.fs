namespace Mosaik.Hybrid.Simulation

/// What can be asked of one key of a map of registers.
[<RequireQualifiedAccess>]
type RegisterInput<'value> =
    | Read
    | Write of 'value
    /// Writes `replacement` where the register holds `expected`; none stands for a register that was never written.
    | CompareAndSwap of expected: 'value voption * replacement: 'value

/// What it answers.
[<RequireQualifiedAccess>]
type RegisterOutput<'value> =
    /// To a read: the value, none when it was never written.
    | Value of 'value voption
    /// To a write.
    | Written
    /// To a compare-and-swap: whether it wrote.
    | Swapped of bool

    override this.ToString() =
        match this with
        | RegisterOutput.Value(ValueSome value) -> $"Value {value}"
        | RegisterOutput.Value ValueNone -> "Value none"
        | RegisterOutput.Written -> "Written"
        | RegisterOutput.Swapped swapped -> $"Swapped {swapped}"

/// A map of registers; each key is a partition, so that the model is that of one register. Values should be unique in
/// a history: then a stale one gives itself away at once.
[<RequireQualifiedAccess>]
module RegisterModel =

    let private apply (state: 'value voption) (input: RegisterInput<'value>) =
        match input with
        | RegisterInput.Read -> struct (state, RegisterOutput.Value state)
        | RegisterInput.Write value -> struct (ValueSome value, RegisterOutput.Written)
        | RegisterInput.CompareAndSwap(expected, replacement) ->
            if state = expected then
                struct (ValueSome replacement, RegisterOutput.Swapped true)
            else
                struct (state, RegisterOutput.Swapped false)

    let private isReadOnly (input: RegisterInput<'value>) =
        match input with
        | RegisterInput.Read -> true
        | RegisterInput.Write _
        | RegisterInput.CompareAndSwap _ -> false

    /// The model of one register that nobody has written.
    let create<'value when 'value: equality> () =
        Model.ofApply (ValueNone: 'value voption) apply (=) isReadOnly
