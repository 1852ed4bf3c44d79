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
        // A ring has at least two slots, or it could hold nothing.
        (int)Math.Clamp(request.nr_tx_slots, 2, MostSlots), (int)Math.Clamp(request.nr_rx_slots, 2, MostSlots))
{
    public override string Kind => "null";

    protected override string Mode => "access to memory; packets go nowhere";

    public override void Release() => released();

    protected override Errno TxSync(KRing ring, SyncFlags flags) => Errno.Success;

    protected override Errno RxSync(KRing ring, SyncFlags flags) => Errno.Success;
}
