using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Adapters.Null;

/// <summary>
/// A port no packet passes (spec 10): it gives access to a memory and to extra buffers in it. Rings are as many as asked
/// for; their indices never move.
/// </summary>
internal sealed class NullAdapter(string name, NetmapMemory memory, in nmreq_register request, Action released)
    : SoftwareAdapter(name, memory, request.nr_tx_rings, request.nr_rx_rings,
        Slots(request.nr_tx_rings, request.nr_tx_slots), Slots(request.nr_rx_rings, request.nr_rx_slots))
{
    /// <summary>In each direction: what a program asks for costs the engine before any ring is made.</summary>
    public const int MostRings = 64;

    /// <summary>More than any ring object holds: refused when the ring is made.</summary>
    private const int TooManySlots = 1 << 16;

    public override string Kind => "null";

    protected override string Mode => "access to memory; packets go nowhere";

    public override void Release() => released();

    /// <summary>As asked for; but a ring has at least two slots, or it could hold nothing.</summary>
    private static int Slots(int rings, uint asked) => (int)Math.Clamp(asked, rings > 0 ? 2u : 0, TooManySlots);

    protected override Errno TxSync(KRing ring, SyncFlags flags) => Errno.Success;

    protected override Errno RxSync(KRing ring, SyncFlags flags) => Errno.Success;
}
