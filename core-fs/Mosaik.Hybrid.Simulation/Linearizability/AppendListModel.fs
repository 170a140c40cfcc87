namespace Mosaik.Hybrid.Simulation

open System

/// What can be asked of one key of a map of lists that only grow.
[<RequireQualifiedAccess>]
type AppendListInput<'element> =
    | Append of 'element
    | ReadAll

/// What it answers.
[<RequireQualifiedAccess>]
type AppendListOutput<'element> =
    /// To an append: the element's place, from 1.
    | Place of int
    /// To a read: all elements, the first one first.
    | Elements of 'element[]

    override this.ToString() =
        match this with
        | AppendListOutput.Place place -> $"Place {place}"
        | AppendListOutput.Elements elements ->
            let inside = String.Join("; ", elements)
            $"Elements [{inside}]"

/// A list that only grows, as a value: appending shares all that was there. Comparing and hashing look at length and a
/// running hash first, so that they are cheap for lists that differ.
[<Sealed; AllowNullLiteral>]
type AppendList<'element when 'element: equality>
    private (before: AppendList<'element>, last: 'element, length: int, hash: int) =

    /// The list without elements.
    static member Empty = AppendList<'element>(null, Unchecked.defaultof<'element>, 0, 17)

    /// How many elements it has.
    member _.Length = length

    member private _.Before = before
    member private _.Last = last

    /// This list and one more element.
    member this.Append(element: 'element) =
        AppendList<'element>(this, element, length + 1, hash * 31 + LanguagePrimitives.GenericHash element)

    /// True when these are its elements, in this order.
    member this.Holds(elements: 'element[]) =
        let mutable rest = this
        let mutable same = elements.Length = length
        while same && rest.Length > 0 do
            same <- rest.Last = elements[rest.Length - 1]
            rest <- rest.Before
        same

    /// Its elements, the first one first.
    member this.ToArray() =
        let elements = Array.zeroCreate<'element> length
        let mutable rest = this
        while rest.Length > 0 do
            elements[rest.Length - 1] <- rest.Last
            rest <- rest.Before
        elements

    override _.GetHashCode() = hash

    override this.Equals(other) =
        match other with
        | :? AppendList<'element> as other ->
            let mutable left, right = this, other
            let mutable same = length = other.Length && hash = other.GetHashCode()
            while same && not (Object.ReferenceEquals(left, right)) && left.Length > 0 do
                same <- left.Last = right.Last
                left <- left.Before
                right <- right.Before
            same
        | _ -> false

    override this.ToString() =
        let inside = String.Join("; ", this.ToArray())
        $"[{inside}]"

/// A map of lists that only grow; each key is a partition. A read shows every append that ever took effect, so that
/// this model sees what registers forget. Elements should be unique in a history.
[<RequireQualifiedAccess>]
module AppendListModel =

    let private step
        (state: AppendList<'element>)
        (input: AppendListInput<'element>)
        (seen: AppendListOutput<'element> voption)
        =
        match input, seen with
        | AppendListInput.Append element, ValueNone -> ValueSome(state.Append element)
        | AppendListInput.Append element, ValueSome(AppendListOutput.Place place) when
            place = state.Length + 1
            ->
            ValueSome(state.Append element)
        | AppendListInput.ReadAll, ValueNone -> ValueSome state
        | AppendListInput.ReadAll, ValueSome(AppendListOutput.Elements elements) when state.Holds elements ->
            ValueSome state
        | AppendListInput.Append _, ValueSome(AppendListOutput.Place _ | AppendListOutput.Elements _)
        | AppendListInput.ReadAll, ValueSome(AppendListOutput.Place _ | AppendListOutput.Elements _) ->
            ValueNone

    let private isReadOnly (input: AppendListInput<'element>) =
        match input with
        | AppendListInput.ReadAll -> true
        | AppendListInput.Append _ -> false

    /// The model of one list without elements.
    let create<'element when 'element: equality> () : Model<_, _, AppendList<'element>> =
        { Initial = AppendList<'element>.Empty
          Step = step
          IsReadOnly = isReadOnly
          States = Collections.Generic.EqualityComparer<AppendList<'element>>.Default }
