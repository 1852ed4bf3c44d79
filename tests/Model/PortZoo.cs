using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Tests.Model;

/// <summary>
/// Ports of every kind that share one memory, opened, used and closed at random. A null port keeps the memory in use, so
/// that it is never reset: what is missing at the end was lost.
/// </summary>
internal sealed unsafe class PortZoo : IDisposable
{
    private static readonly string[] s_names =
        ["vale0:a", "vale0:b", "vale0:c", "vale1:a", "m0", "m1", "m0{1", "m0}1", "vale0:a{x", "vale0:a}x", "p{1", "p}1", "p{1{2", "p{1}2"];

    private readonly RawPort _keeper;
    private readonly (int, int, int) _before;

    public PortZoo()
    {
        Engine = new NetmapEngine(new NetmapEngineOptions { RingCount = 1024, InterfaceCount = 1000 });
        Engine.AddMemoryPair("m0", "m1", new MemoryPairOptions { Slots = 64 });
        _keeper = new RawPort(Engine);
        Assert.Equal(Errno.Success, _keeper.Bind("keeper", new nmreq_register { nr_mode = NetmapReq.NR_REG_NULL, nr_mem_id = 1 }));
        _before = Memory.Available;
    }

    public NetmapEngine Engine { get; }

    public NetmapMemory Memory => _keeper.Memory;

    /// <summary>A port or a monitor of one; null where that cannot be now.</summary>
    public RawPort? TryOpen(Random random)
    {
        ulong flags = random.Next(8) switch
        {
            0 => NetmapH.NR_MONITOR_RX,
            1 => NetmapH.NR_MONITOR_TX,
            2 => NetmapH.NR_MONITOR_RX | NetmapH.NR_MONITOR_TX,
            3 => NetmapH.NR_ZCOPY_MON,
            4 => NetmapH.NR_EXCLUSIVE,
            _ => 0,
        };
        RawPort port = new(Engine);
        Errno result = port.Bind(s_names[random.Next(s_names.Length)], new nmreq_register
        {
            nr_mode = random.Next(4) == 0 ? NetmapReq.NR_REG_ONE_NIC : NetmapReq.NR_REG_ALL_NIC,
            nr_flags = flags | (random.Next(6) == 0 ? NetmapH.NR_RX_RINGS_ONLY : random.Next(6) == 0 ? NetmapH.NR_TX_RINGS_ONLY : 0),
            nr_mem_id = 1,
            nr_tx_rings = (ushort)random.Next(3),
            nr_rx_rings = (ushort)random.Next(3),
            nr_tx_slots = (uint)random.Next(2, 40),
            nr_rx_slots = (uint)random.Next(2, 40),
            nr_extra_bufs = (uint)random.Next(4),
        });
        if (result == Errno.Success)
            return port;
        // Busy: exclusively held. Invalid: nobody to monitor, no such ring.
        Assert.True(result is Errno.EBUSY or Errno.EINVAL, $"{result}: {port.File.LastRefusal}");
        port.Dispose();
        return null;
    }

    /// <summary>
    /// Sends, receives and exchanges buffers on all rings of a port. Where other threads may have the same rings open, buffers are exchanged
    /// only in rings that are the port's alone: two programs that change one slot at a time lose one of theirs, in netmap too.
    /// </summary>
    public static void Use(RawPort port, Random random, bool othersAtWork = false)
    {
        bool alone = !othersAtWork || (port.Register.nr_flags & NetmapH.NR_EXCLUSIVE) != 0;
        for (int ring = 0; ring < port.Register.nr_tx_rings; ring++)
        {
            if (port.RingOffset(ring) == 0)
                continue;
            for (int i = random.Next(30); i > 0; i--)
                port.Put(Traffic.Packet(random.Next(14, 6000), i, Traffic.Broadcast, (ulong)random.Next(4)), (ushort)(random.Next(9) == 0 ? NetmapH.NS_MOREFRAG : 0), ring);
        }
        port.TxSync();
        port.RxSync();
        for (int ring = 0; ring < port.Register.nr_rx_rings; ring++)
        {
            if (port.RingOffset(port.Register.nr_tx_rings + 1 + ring) == 0)
                continue;
            if (alone)
                port.SwapExtra(port.Rx(ring));
            port.Take(random.Next(20), ring);
        }
        if (random.Next(2) == 0)
            port.RxSync();
        port.Poll(Poll.POLLIN | Poll.POLLOUT);
    }

    /// <summary>All that was taken has come back.</summary>
    public void AssertNothingLost()
    {
        Assert.Equal(_before, Memory.Available);
        Assert.Empty(Engine.Core.Switches.All);
        Assert.Null(Engine.Core.Switches.FindPersistent("p"));
    }

    public void Dispose()
    {
        _keeper.Dispose();
        Engine.Dispose();
    }
}

/// <summary>What programs do with buffers.</summary>
internal static unsafe class Swaps
{
    /// <summary>The buffers of the first slot the program owns and of the first extra one change places; the frame moves along.</summary>
    public static void SwapExtra(this RawPort port, netmap_ring* rx)
    {
        uint extra = port.Interface->ni_bufs_head;
        if (extra == 0 || Traffic.Owned(rx) == 0)
            return;
        netmap_slot* slot = RawPort.Slots(rx) + rx->head;
        if (slot->buf_idx < 2)
            return;
        uint rest = *(uint*)RawPort.Buffer(rx, extra);
        new Span<byte>(RawPort.Buffer(rx, slot->buf_idx), 2048).CopyTo(new Span<byte>(RawPort.Buffer(rx, extra), 2048));
        *(uint*)RawPort.Buffer(rx, slot->buf_idx) = rest;
        port.Interface->ni_bufs_head = slot->buf_idx;
        slot->buf_idx = extra;
        slot->flags |= NetmapH.NS_BUF_CHANGED;
    }
}
