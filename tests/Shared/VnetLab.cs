using System.Runtime.InteropServices;
using Netmap.Interop;
using Netmap.Vale;

namespace Netmap.Tests;

/// <summary>Two ports of a switch whose frames begin with virtio-net headers of their own lengths.</summary>
internal sealed class VnetLab : IDisposable
{
    private readonly NetmapEngine _engine = new();

    public VnetLab(int from, int to, int maxFrame = 1514, int rxSlots = 1024, int rxOffset = 0)
    {
        Tx = NetmapPort.Open("vale0:a", engine: _engine);
        OffsetOptions? offsets = rxOffset == 0 ? null : new() { Initial = rxOffset / 2, Max = rxOffset };
        Rx = NetmapPort.Open("vale0:b", new() { RxSlots = rxSlots, Offsets = offsets }, _engine);
        Switch.Find("a")!.HeaderLength = from;
        (Switch.Find("b")!.HeaderLength, Switch.Find("b")!.MaxFrame) = (to, maxFrame);
    }

    public ValeSwitch Switch => _engine.Core.Switches.Find("vale0")!;

    public NetmapPort Tx { get; }

    public NetmapPort Rx { get; }

    /// <summary>Drops of both ports.</summary>
    public Dictionary<DropReason, long> Drops =>
        Tx.GetStatistics().Drops.Concat(Rx.GetStatistics().Drops).ToDictionary();

    /// <summary>Puts a frame into slots of at most <paramref name="fragment"/> bytes, the header in the first.</summary>
    public void Send(ReadOnlySpan<byte> bytes, int fragment = 2048)
    {
        Put(bytes, fragment);
        Tx.TxSync();
    }

    /// <summary>As <see cref="Send"/>, without the sync.</summary>
    public void Put(ReadOnlySpan<byte> bytes, int fragment = 2048)
    {
        TxRing ring = Tx.TxRings[0];
        int slot = ring.Head;
        int slots = 0;
        for (; bytes.Length > 0; slots++, slot = ring.Next(slot))
        {
            int part = Math.Min(bytes.Length, fragment);
            bytes[..part].CopyTo(ring.Buffer(slot));
            ring[slot].Length = (ushort)part;
            ring[slot].Flags = part < bytes.Length ? SlotFlags.MoreFragments : SlotFlags.None;
            bytes = bytes[part..];
        }
        ring.Advance(slots);
    }

    public List<byte[]> Receive()
    {
        List<byte[]> frames = [];
        Rx.RxSync();
        foreach (RxFrame frame in Rx.RxRings[0])
        {
            byte[] bytes = new byte[frame.Length];
            frame.CopyTo(bytes);
            frames.Add(bytes);
        }
        Rx.RxSync();
        return frames;
    }

    /// <summary>A header of this length as its bytes; of 12, the last two are zero.</summary>
    public static byte[] Header(int length, virtio_net_hdr header)
    {
        byte[] bytes = new byte[length];
        if (length > 0)
            MemoryMarshal.Write(bytes, header);
        return bytes;
    }

    public void Dispose() => _engine.Dispose();
}
