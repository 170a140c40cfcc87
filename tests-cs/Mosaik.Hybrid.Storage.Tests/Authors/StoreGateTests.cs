using Xunit;

namespace Mosaik.Hybrid.Storage.Tests.Authors;

/// <summary>The order of calls that a gate keeps.</summary>
public sealed class StoreGateTests
{
    private readonly StoreGate _gate = new();

    [Fact]
    public void BeforeTheOpen_NothingIsLetThrough()
    {
        Assert.False(_gate.IsOpen);
        Assert.Throws<InvalidOperationException>(_gate.ThrowUnlessOpen);
        Assert.Throws<InvalidOperationException>(_gate.BeginWrite);
        _gate.BeginOpen();
        Assert.Throws<InvalidOperationException>(_gate.ThrowUnlessOpen);
        _gate.EndOpen();
        Assert.True(_gate.IsOpen);
        _gate.ThrowUnlessOpen();
    }

    [Fact]
    public void ASecondOpen_IsRefused_AlsoAfterOneThatFailed()
    {
        _gate.BeginOpen();
        Assert.Throws<InvalidOperationException>(_gate.BeginOpen);
    }

    [Fact]
    public void OneWriteAtATime()
    {
        Open();
        _gate.BeginWrite();
        Assert.Throws<InvalidOperationException>(_gate.BeginWrite);
        _gate.ThrowUnlessOpen();
        _gate.EndWrite();
        _gate.BeginWrite();
    }

    [Fact]
    public void AFailure_IsForGood_AndTheFirstOneCounts()
    {
        Open();
        var first = _gate.Fail(new IOException("no more"), "somewhere");
        Assert.Equal(StorageFault.Io, first.Fault);
        Assert.Equal("somewhere", first.Path);
        Assert.IsType<IOException>(first.InnerException);
        Assert.Same(first, _gate.Fail(new StorageException(StorageFault.Full, "another")));
        Assert.Same(first, Assert.Throws<StorageException>(_gate.ThrowUnlessOpen));
        Assert.Same(first, Assert.Throws<StorageException>(_gate.BeginWrite));
        Assert.True(_gate.IsOpen);
    }

    [Fact]
    public void AStoresOwnException_IsKeptAsItIs()
    {
        var own = new StorageException(StorageFault.Full, "full");
        Assert.Same(own, _gate.Fail(own, "somewhere"));
    }

    [Fact]
    public void AfterTheEnd_EverythingIsRefused()
    {
        Open();
        Assert.True(_gate.BeginDispose());
        Assert.False(_gate.BeginDispose());
        Assert.False(_gate.IsOpen);
        Assert.Throws<ObjectDisposedException>(_gate.BeginOpen);
        Assert.Throws<ObjectDisposedException>(_gate.ThrowUnlessOpen);
        Assert.Throws<ObjectDisposedException>(_gate.BeginWrite);
    }

    [Fact]
    public void AnEndWhileOpening_WinsOverTheOpen()
    {
        _gate.BeginOpen();
        Assert.True(_gate.BeginDispose());
        Assert.Throws<ObjectDisposedException>(_gate.EndOpen);
    }

    private void Open()
    {
        _gate.BeginOpen();
        _gate.EndOpen();
    }
}
