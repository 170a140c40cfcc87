namespace Mosaik.Hybrid.Simulation

open System.Collections.Generic

/// What the object should do, one operation after the other: the specification that a history is held against.
/// Pure: same arguments, same result.
[<NoEquality; NoComparison>]
type Model<'input, 'output, 'state> =
    {
        /// The state of a key that nobody has touched.
        Initial: 'state
        /// The state after the input, where the answer that the client saw fits; none where it does not. Without an
        /// answer every one that the object could give fits.
        Step: 'state -> 'input -> 'output voption -> 'state voption
        /// True for inputs that leave every state as it is. Without an answer they say nothing and are left out.
        IsReadOnly: 'input -> bool
        /// Tells states apart. Both functions are called once or more for each configuration of a search, so that a
        /// hash over a whole long state makes it slow.
        States: IEqualityComparer<'state>
    }

[<RequireQualifiedAccess>]
module Model =

    /// A model of a machine that always answers the same in the same state: `apply` gives the state after the input
    /// and the one right answer; `fits` takes the right answer, then the one seen.
    let ofApply
        (initial: 'state)
        (apply: 'state -> 'input -> struct ('state * 'output))
        (fits: 'output -> 'output -> bool)
        (isReadOnly: 'input -> bool)
        : Model<'input, 'output, 'state> =
        let step state input seen =
            let struct (after, right) = apply state input
            match seen with
            | ValueSome seen when not (fits right seen) -> ValueNone
            | ValueSome _
            | ValueNone -> ValueSome after
        { Initial = initial
          Step = step
          IsReadOnly = isReadOnly
          States = EqualityComparer<'state>.Default }
