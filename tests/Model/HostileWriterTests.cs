using System.Globalization;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Tests.Model;

/// <summary>
/// A program that scribbles over head, cur, tail, buf_idx, len and flags while the engine works on its rings. The engine
/// must stay within the region and the rings' own buffers, end every sync, throw nothing, and serve the next valid use.
/// NETMAP_HOSTILE_SLOTS sets how many slots go through; the documented long run is 1000000000.
/// </summary>
public sealed unsafe class HostileWriterTests
{
    private const byte Canary = 0xa5;
    private const int Slots = 1000;

    private static long Goal => long.Parse(Environment.GetEnvironmentVariable("NETMAP_HOSTILE_SLOTS") ?? "3000000", CultureInfo.InvariantCulture);

    [Fact]
    public void TheEngineSurvivesAndGoesOn()
    {
        using NetmapEngine engine = new();
        engine.AddMemoryPair("a", "b", new MemoryPairOptions { Slots = Slots });
        using NetmapFile a = Open(engine, "a");
        using NetmapFile b = Open(engine, "b");
        KRing tx = a.Registration!.TxRings[0];
        KRing rx = b.Registration!.RxRings[0];
        netmap_ring* txRing = Ring(a, tx);
        netmap_ring* rxRing = Ring(b, rx);
        // All buffers no ring was given are canaries; those of both ports' rings come first.
        uint firstFree = 2 + (4 * Slots);
        new Span<byte>(a.Registration.Memory.Buffers + (firstFree * 2048L), 4096 * 2048).Fill(Canary);

        Scribbler scribbler = new Scribbler(txRing, rxRing) { Buffer = Buffer }.Start();
        Random random = new(11);
        long before = tx.Counters.Packets + tx.Counters.Drops;
        long moved = 0;
        long syncs = 0;
        while (moved < Goal)
        {
            Scribbler.Move(txRing, Slots, (uint)random.Next(Slots));
            a.TxSync();
            b.RxSync();
            Scribbler.Move(rxRing, Slots, Slots);
            if (++syncs % 64 == 0)
            {
                a.Poller.Poll(Poll.POLLIN | Poll.POLLOUT, TimeSpan.Zero, default);
                b.Poller.Poll(Poll.POLLIN | Poll.POLLOUT, TimeSpan.Zero, default);
            }
            moved = tx.Counters.Packets + tx.Counters.Drops - before + rx.Counters.Packets;
        }
        scribbler.Dispose();

        Assert.False(new Span<byte>(a.Registration.Memory.Buffers + (firstFree * 2048L), 4096 * 2048).ContainsAnyExcept(Canary));
        Assert.False(new Span<byte>(a.Registration.Memory.Buffers, 2048).ContainsAnyExcept((byte)0));
        NextValidUseWorks(a, b, tx, rx, txRing, rxRing);
    }

    /// <summary>Buffers of the rings, reserved ones, and indices far outside; never a canary, which would be a legal wish.</summary>
    private static uint Buffer(Random random) => random.Next(4) switch
    {
        0 => (uint)random.Next(2),
        1 => 163840 + (uint)random.Next(),
        2 => uint.MaxValue,
        _ => 2 + (uint)random.Next(4 * Slots),
    };

    private static void NextValidUseWorks(NetmapFile a, NetmapFile b, KRing tx, KRing rx, netmap_ring* txRing, netmap_ring* rxRing)
    {
        Mend(txRing, tx, 2 + Slots);
        Mend(rxRing, rx, 2 + (2 * Slots));
        // Whatever is still under way from before arrives first.
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(Errno.Success, a.TxSync());
            Assert.Equal(Errno.Success, b.RxSync());
            Scribbler.Move(rxRing, Slots, Slots);
        }
        uint head = txRing->head;
        netmap_slot* slot = (netmap_slot*)(txRing + 1) + head;
        slot->len = 60;
        new Span<byte>((byte*)txRing + txRing->buf_ofs + (slot->buf_idx * 2048L), 60).Fill(0x77);
        Scribbler.Move(txRing, Slots, 1);
        Assert.Equal(Errno.Success, a.TxSync());
        uint at = rxRing->tail;
        Assert.Equal(Errno.Success, b.RxSync());
        netmap_slot* got = (netmap_slot*)(rxRing + 1) + at;
        Assert.NotEqual(at, rxRing->tail);
        Assert.Equal(60, got->len);
        Assert.False(new Span<byte>((byte*)rxRing + rxRing->buf_ofs + (got->buf_idx * 2048L), 60).ContainsAnyExcept((byte)0x77));
    }

    private static void Mend(netmap_ring* ring, KRing kring, int firstBuffer)
    {
        for (int i = 0; i < Slots; i++)
            ((netmap_slot*)(ring + 1))[i] = new() { buf_idx = (uint)(firstBuffer + i) };
        ring->cur = kring.RHead;
        ring->head = kring.RHead;
    }

    private static netmap_ring* Ring(NetmapFile file, KRing ring) => (netmap_ring*)(file.Registration!.Memory.Region.Address + ring.Position);

    private static NetmapFile Open(NetmapEngine engine, string name)
    {
        NetmapFile file = engine.Core.Open();
        nmreq_register request = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC };
        lock (engine.Core.ControlLock)
            file.Register(name, ref request);
        return file;
    }
}
