using Netmap.Access;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Pipe;

/// <summary>One end of a pipe. Its rings are those of the other end, seen from the other side.</summary>
internal sealed class PipeAdapter(PipePair pair, string name, PipeShape shape)
    : SoftwareAdapter(name, pair.Parent.Memory, shape.TxRings, shape.RxRings, shape.TxSlots, shape.RxSlots)
{
    public override string Kind => "pipe";

    protected override string Mode => $"to {Peer.Name}; slots change hands, data stays where it is";

    private PipeAdapter Peer => pair.PeerOf(this);

    /// <summary>Both ends are shared alike: with those whom an end's opener named, else with those of the parent.</summary>
    public override UserList SharedWith
    {
        get => pair.SharedWith.IsEmpty ? pair.Parent.SharedWith : pair.SharedWith;
        set => pair.SharedWith = value;
    }

    /// <summary>Ring r to the peer's ring r.</summary>
    public PipeRing[] Out { get; set; } = [];

    public override void CreateKrings()
    {
        if (Peer.ActiveFiles == 0)
            pair.CreateKrings();
    }

    public void MakeKrings() => base.CreateKrings();

    public override void DestroyKrings()
    {
        if (Peer.ActiveFiles > 0)
            return;
        Clear();
        Peer.Clear();
    }

    public override void OpenRing(KRing ring) => RingOf(ring).Open(ring, Name);

    /// <summary>What one end leaves stays for the other; both gone, the buffers go back (spec 8).</summary>
    public override void CloseRing(KRing ring) => RingOf(ring).Close(ring);

    public override void Release() => pair.Released();

    protected override Errno TxSync(KRing ring, SyncFlags flags)
    {
        Out[ring.Id].Send();
        return Errno.Success;
    }

    protected override Errno RxSync(KRing ring, SyncFlags flags)
    {
        Peer.Out[ring.Id].Receive();
        return Errno.Success;
    }

    private PipeRing RingOf(KRing ring) => (ring.Direction == RingDirection.Tx ? this : Peer).Out[ring.Id];

    private void Clear()
    {
        Out = [];
        base.DestroyKrings();
    }
}
