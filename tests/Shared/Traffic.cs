using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Tests;

/// <summary>
/// Packets over raw ports, as netmap's own functional test moves them: of random length, split over slots where a buffer is
/// too short, every byte checked.
/// </summary>
internal static unsafe class Traffic
{
    public const ulong Broadcast = 0xffff_ffff_ffff;

    /// <summary>Lengths and numbers of packets as in utils/tests of netmap (spec 13).</summary>
    public static byte[][] Some(int seed, ulong to = Broadcast, ulong from = 0x02_0000_0000_01)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, random.Next(1, 101)).Select(_ => Packet(random.Next(50, 10050), random.Next(), to, from))];
    }

    /// <summary>An Ethernet header, addresses as they are written, and bytes that only this seed gives.</summary>
    public static byte[] Packet(int length, int seed, ulong to = Broadcast, ulong from = 0x02_0000_0000_01)
    {
        byte[] packet = new byte[length];
        new Random(seed).NextBytes(packet);
        for (int i = 0; i < 6 && 6 + i < length; i++)
            (packet[i], packet[6 + i]) = ((byte)(to >> (40 - (8 * i))), (byte)(from >> (40 - (8 * i))));
        return packet;
    }

    /// <summary>Slots between head and tail: free ones of a TX ring, filled ones of an RX ring.</summary>
    public static int Owned(netmap_ring* ring) => (int)RingIndex.Distance(ring->head, ring->tail, ring->num_slots - 1);

    /// <summary>Fills the next slots with a packet and moves head over them; false when the ring has too few.</summary>
    public static bool Put(this RawPort port, ReadOnlySpan<byte> packet, ushort flags = 0, int ring = 0)
    {
        netmap_ring* tx = port.Tx(ring);
        int room = (int)tx->nr_buf_size;
        int slots = Math.Max(1, (packet.Length + room - 1) / room);
        if (Owned(tx) < slots)
            return false;
        uint head = tx->head;
        for (int i = 0; i < slots; i++, head = RingIndex.Next(head, tx->num_slots - 1))
        {
            netmap_slot* slot = RawPort.Slots(tx) + head;
            ReadOnlySpan<byte> part = packet.Slice(i * room, Math.Min(room, packet.Length - (i * room)));
            part.CopyTo(new Span<byte>(RawPort.Buffer(tx, slot->buf_idx), room));
            slot->len = (ushort)part.Length;
            slot->flags = (ushort)(flags | (i + 1 < slots ? NetmapH.NS_MOREFRAG : NetmapH.NS_REPORT));
        }
        tx->cur = head;
        Volatile.Write(ref tx->head, head);
        return true;
    }

    /// <summary>Puts all packets, which fit, and syncs once.</summary>
    public static void Send(this RawPort port, params IEnumerable<byte[]> packets)
    {
        foreach (byte[] packet in packets)
            Assert.True(port.Put(packet), "no room in the transmit ring");
        Assert.Equal(Errno.Success, port.TxSync());
    }

    /// <summary>Whole packets between head and tail, and their slots given back.</summary>
    public static List<byte[]> Take(this RawPort port, int most = int.MaxValue, int ring = 0)
    {
        netmap_ring* rx = port.Rx(ring);
        List<byte[]> packets = [];
        uint head = rx->head;
        List<byte> packet = [];
        for (uint i = head; i != Volatile.Read(ref rx->tail) && packets.Count < most;)
        {
            netmap_slot* slot = RawPort.Slots(rx) + i;
            packet.AddRange(new ReadOnlySpan<byte>(RawPort.Buffer(rx, slot->buf_idx), slot->len));
            i = RingIndex.Next(i, rx->num_slots - 1);
            if ((slot->flags & NetmapH.NS_MOREFRAG) != 0)
                continue;
            packets.Add([.. packet]);
            packet.Clear();
            head = i;
        }
        rx->cur = head;
        Volatile.Write(ref rx->head, head);
        return packets;
    }

    /// <summary>Syncs, takes all packets, and syncs again so that the port has its slots back.</summary>
    public static List<byte[]> Receive(this RawPort port, int most = int.MaxValue, int ring = 0)
    {
        Assert.Equal(Errno.Success, port.RxSync());
        List<byte[]> packets = port.Take(most, ring);
        Assert.Equal(Errno.Success, port.RxSync());
        return packets;
    }

    /// <summary>The port holds these packets, byte by byte and in this order, and no others.</summary>
    public static void Gets(this RawPort port, params IEnumerable<byte[]> expected) => AssertSame([.. expected], port.Receive());

    public static void GetsNothing(this RawPort port) => Assert.Empty(port.Receive());

    public static void AssertSame(IReadOnlyList<byte[]> expected, IReadOnlyList<byte[]> got)
    {
        Assert.Equal(expected.Count, got.Count);
        for (int i = 0; i < got.Count; i++)
            Assert.True(expected[i].AsSpan().SequenceEqual(got[i]), $"packet {i}: {expected[i].Length} bytes sent, {got[i].Length} received, or others");
    }
}
