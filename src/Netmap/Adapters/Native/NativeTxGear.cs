using System.Runtime.CompilerServices;
using Netmap.Devices;
using Netmap.Devices.Xdp;
using Netmap.Devices.Xdp.Gear;
using Netmap.Interop;
using Netmap.Links;
using Netmap.Rings;

namespace Netmap.Adapters.Native;

/// <summary>
/// The fast gear of one transmit ring: slots' frames, long ones by their place, are put into one batch that a single call sends. They are completed
/// when it returns, so they never wait in flight, and whatever gear comes next is behind them.
/// </summary>
internal sealed unsafe class NativeTxGear : IDisposable
{
    /// <summary>
    /// With fewer frames the plain gear is faster: a run costs 10 microseconds and 0.15 a frame, an XDP socket 0.8 a frame.
    /// </summary>
    private const int FewestFrames = 16;

    /// <summary>Short frames are copied as so many bytes: what is behind them in their buffer the next record writes over.</summary>
    private const int Line = 64;

    private readonly KRing _ring;
    private readonly XdpDevice _device;
    private readonly Gears _gears;
    private readonly GearTxRing _batch;
    private readonly XdpFeatures _features;
    private readonly uint _fewest;
    private readonly ushort[] _slots;
    private long _bytes;

    /// <param name="ring">The kring.</param>
    /// <param name="device">Link state and MTU.</param>
    /// <param name="gears">The interface's.</param>
    /// <param name="always">For any number of frames.</param>
    public NativeTxGear(KRing ring, XdpDevice device, Gears gears, bool always)
    {
        (_ring, _device, _gears, _batch) = (ring, device, gears, gears.Tx.Ring(ring.Id));
        _features = gears.MakeFeatures();
        _fewest = always ? 1u : FewestFrames;
        _slots = new ushort[ring.SlotCount];
    }

    /// <summary>Worth it now: enough frames, and the interface would send them.</summary>
    public bool IsWorthIt => _ring.Distance(_ring.HwCur, _ring.RHead) >= _fewest && _features.TakesRedirects;

    /// <summary>
    /// Sends frames from hwcur on, and moves it, up to the first that is none of this gear's: without its last slot,
    /// malformed, or too long.
    /// </summary>
    /// <param name="other">The other gear's judgement of frames: both have the same.</param>
    /// <returns>What kept the rest from being sent: ENETDOWN, ENXIO, or the kernel's refusal.</returns>
    public Errno Send(NativeTxRing other)
    {
        Errno error = Errno.Success;
        RingSlots ringSlots = _ring.Slots;
        int longest = Math.Min(Math.Min(_device.LongestFrame, GearTx.LongestFrame), _device.SlotRoom);
        uint i = _ring.HwCur;
        uint head = _ring.RHead;
        while (i != head)
        {
            SlotView slot = ringSlots.Read(i);
            int bytes = slot.Length;
            // Nearly all are like this: one slot, and nothing to ask.
            if ((slot.Flags & NetmapH.NS_MOREFRAG) == 0 && bytes >= LinuxIfEther.ETH_HLEN && bytes <= longest && _batch.HasRoom(bytes))
            {
                Add(slot, bytes);
                i = ringSlots.Next(i);
                continue;
            }
            uint slots = other.Read(i, out int length, out DropReason? problem);
            if (slots == 0 || problem is not null || length > GearTx.LongestFrame)
                break;
            if (!_batch.HasRoom(length))
            {
                error = Flush();
                if (error != Errno.Success)
                    return error;
            }
            Add(other.Frame(slots), length);
            i = _ring.Advance(i, slots);
        }
        return _batch.Added > 0 ? Flush() : error;
    }

    public void Dispose() => _features.Dispose();

    /// <summary>Copies a frame of several slots.</summary>
    private void Add(ReadOnlySpan<FramePart> parts, int length)
    {
        _slots[_batch.Added] = (ushort)parts.Length;
        _bytes += length;
        byte* to = _batch.Place;
        foreach (FramePart part in parts)
        {
            Buffer.MemoryCopy(part.Data, to, part.Length, part.Length);
            to += part.Length;
        }
        _batch.Add(length);
    }

    /// <summary>The frame of one slot, as it was read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(scoped in SlotView slot, int length)
    {
        _slots[_batch.Added] = 1;
        _bytes += length;
        if (_batch.TakesDirect(length))
        {
            _batch.AddDirect(slot.Data, length);
            return;
        }
        if (length <= Line && slot.Room >= Line)
            Unsafe.CopyBlockUnaligned(_batch.Place, slot.Data, Line);
        else
            Buffer.MemoryCopy(slot.Data, _batch.Place, length, length);
        _batch.Add(length);
    }

    private Errno Flush()
    {
        int added = _batch.Added;
        int refused = (int)_batch.Rejected;
        int sent = _batch.Send(out Errno error);
        uint i = _ring.HwCur;
        for (int k = 0; k < sent; k++)
        {
            for (uint slots = _slots[k]; slots > 0; slots--, i = _ring.Next(i))
                _ring.ClearFlags(i, NetmapH.NS_REPORT | NetmapH.NS_BUF_CHANGED);
        }
        _ring.HwCur = i;
        Count(added, sent, (int)_batch.Rejected - refused);
        return error == Errno.Success ? error : Explain(error);
    }

    /// <summary>
    /// A frame that was taken counts as sent unless it is known to be lost. Which ones of a run were lost nobody tells: their
    /// bytes are taken to be the average.
    /// </summary>
    private void Count(int added, int sent, int refused)
    {
        long lost = Math.Min(_gears.Loss?.Take() ?? 0, sent - refused);
        long gone = sent - refused - lost;
        _ring.Counters.Packets += gone;
        _ring.Counters.Bytes += added == 0 ? 0 : _bytes * gone / added;
        _ring.Counters.FastPackets += gone;
        _bytes = 0;
        if (lost > 0)
            _ring.Counters.Drop(_device.HasCarrier ? DropReason.InterfaceFull : DropReason.LinkDown, lost);
        if (refused > 0)
            _ring.Counters.Drop(DropReason.Rejected, refused);
    }

    private Errno Explain(Errno error)
    {
        _ring.Counters.Refusals++;
        return error == Errno.ENXIO ? _device.LinkError() : error;
    }
}
