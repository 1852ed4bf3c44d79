using Netmap.Access;
using Netmap.Interop;

namespace Netmap.Adapters.Pipe;

/// <summary>
/// The two ends of a pipe: <c>parent{id</c>, the master, and <c>parent}id</c>, the slave. They come and go together; what
/// the first opener asked for holds for both, as seen from the master (spec 8).
/// </summary>
internal sealed class PipePair
{
    /// <summary>Pipes a parent may have.</summary>
    public const int MostPipes = 64;

    private readonly Action<PipePair> _gone;

    /// <param name="parent">Whose memory the pipe uses; the caller holds a reference on it until <paramref name="gone"/>.</param>
    /// <param name="id">What stands behind the brace.</param>
    /// <param name="shape">Rings and slots, as the master's.</param>
    /// <param name="gone">Called when nobody refers to either end any more.</param>
    public PipePair(NetmapAdapter parent, string id, PipeShape shape, Action<PipePair> gone)
    {
        (Parent, Id, _gone) = (parent, id, gone);
        Master = new PipeAdapter(this, $"{parent.Name}{{{id}", shape);
        Slave = new PipeAdapter(this, $"{parent.Name}}}{id}", shape.Swapped);
    }

    public NetmapAdapter Parent { get; }

    public string Id { get; }

    public PipeAdapter Master { get; }

    public PipeAdapter Slave { get; }

    /// <summary>Who else may open its ends, as one of their openers said.</summary>
    public UserList SharedWith { get; set; } = UserList.None;

    public PipeAdapter PeerOf(PipeAdapter end) => end == Master ? Slave : Master;

    /// <summary>Krings of both ends, and what joins them.</summary>
    public void CreateKrings()
    {
        Master.MakeKrings();
        Slave.MakeKrings();
        PipeRing.Join(Master, Slave);
        PipeRing.Join(Slave, Master);
    }

    /// <summary>An end lost its last reference.</summary>
    public void Released()
    {
        if (Master.References == 0 && Slave.References == 0)
            _gone(this);
    }
}

/// <summary>Rings and slots of one end.</summary>
internal readonly record struct PipeShape(int TxRings, int RxRings, int TxSlots, int RxSlots)
{
    private const int MostRings = 256;

    /// <summary>What a request asks for: rings 1 and slots as the parent's where it says nothing.</summary>
    public static PipeShape From(in nmreq_register request, NetmapAdapter parent) => new(
        Math.Clamp((int)request.nr_tx_rings, 1, MostRings), Math.Clamp((int)request.nr_rx_rings, 1, MostRings),
        Slots(request.nr_tx_slots, parent.TxSlots), Slots(request.nr_rx_slots, parent.RxSlots));

    public PipeShape Swapped => new(RxRings, TxRings, RxSlots, TxSlots);

    private static int Slots(uint asked, int parent) => (int)Math.Clamp(asked == 0 ? (uint)parent : asked, 2, SoftwareAdapter.MostSlots);
}
