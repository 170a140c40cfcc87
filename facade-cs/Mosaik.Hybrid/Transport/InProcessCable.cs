namespace Mosaik.Hybrid.Transport;

/// <summary>The two directions between the two ends of an in-process link.</summary>
/// <remarks>The hub calls all of it under its own lock.</remarks>
internal sealed class InProcessCable(PeerId dialler, PeerId acceptor)
{
    private const string Aborted = "The link was aborted.";
    private const string Reset = "The other end reset the link.";

    private readonly InProcessPipe _toAcceptor = new();
    private readonly InProcessPipe _toDialler = new();
    private bool _cut;

    /// <summary>Who dialled.</summary>
    public PeerId Dialler { get; } = dialler;

    /// <summary>Who was dialled.</summary>
    public PeerId Acceptor { get; } = acceptor;

    /// <summary>True while neither end has aborted and nothing has broken it.</summary>
    public bool IsWhole { get; private set; } = true;

    /// <summary>What one end reads from.</summary>
    public InProcessPipe IncomingOf(bool isDialler) => isDialler ? _toDialler : _toAcceptor;

    /// <summary>What one end writes to.</summary>
    public InProcessPipe OutgoingOf(bool isDialler) => isDialler ? _toAcceptor : _toDialler;

    /// <summary>Cuts, or mends; a mended cable that lost bytes meanwhile breaks, as a real stream would.</summary>
    public void SetCut(bool cut)
    {
        if (!cut && (_toAcceptor.HasLost || _toDialler.HasLost))
        {
            Break("The link lost bytes in a partition.");
        }

        _cut = cut;
        _toAcceptor.SetCut(cut);
        _toDialler.SetCut(cut);
    }

    /// <summary>Resets the link for both ends.</summary>
    public void Break(string fault)
    {
        IsWhole = false;
        foreach (var pipe in (ReadOnlySpan<InProcessPipe>)[_toAcceptor, _toDialler])
        {
            pipe.BreakReader(fault, spareEnded: false);
            pipe.BreakWriter(fault);
        }
    }

    /// <summary>Ends the link for one end, and for the other as soon as no cut hides that from it.</summary>
    public void Abort(bool isDialler)
    {
        IncomingOf(isDialler).BreakReader(Aborted, spareEnded: false);
        OutgoingOf(isDialler).BreakWriter(Aborted);
        if (_cut)
        {
            OutgoingOf(isDialler).Lose();
            return;
        }

        IsWhole = false;
        OutgoingOf(isDialler).BreakReader(Reset, spareEnded: true);
        IncomingOf(isDialler).BreakWriter(Reset);
    }
}
