using Netmap.Devices;
using Netmap.Devices.Xdp;
using Netmap.Devices.Xdp.Gear;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Adapters.Native;

/// <summary>
/// The fast gear of one receive ring: spare buffers that the XDP program filled take the place of the slots' own, which are spare from
/// then on. So the ring's slots always have buffers, and there are always as many spare ones. Frames that the program had no buffer
/// for, or that take several, lie in its ring and are copied.
/// </summary>
internal sealed unsafe class NativeRxGear(KRing ring, XdpDevice device, GearRxRing frames) : INativeRxRing
{
    private const int SyncsPerLinkCheck = 256;

    /// <summary>How long a sleeper may miss that the interface went down.</summary>
    private static readonly TimeSpan s_linkCheck = TimeSpan.FromMilliseconds(100);

    /// <summary>Spare buffers: what a reader takes from the ring at a time, with the caches of one core in mind.</summary>
    private const int Spare = 256;

    private readonly PostedBuffers _spare = new(GearRxRing.MostGiven);
    private readonly Patience _patience = new();
    private int _emptySyncs;
    private long _overruns;
    private long _tooLong;

    public DeviceWait Wait
    {
        get
        {
            DeviceWait wait = frames.Wait;
            return wait.Retry == Timeout.InfiniteTimeSpan ? wait with { Retry = s_linkCheck } : wait;
        }
    }

    /// <summary>Frames are waiting.</summary>
    public bool HasFrames => frames.TryPeek(out _);

    /// <summary>Takes the queue's frames from now on; what came before is nobody's.</summary>
    public void Open(XskSocket socket)
    {
        Purge();
        while (frames.TakesBuffers && _spare.Count < Spare && ring.Memory.TryTakeBuffer(out uint buffer))
            Give(buffer);
        frames.Open(new GearRxBell(socket, device.Layout.Chunk(NetmapMemory.ScratchBuffer)));
    }

    /// <summary>The program may be at work with a spare buffer: they stay with it until the device has stopped.</summary>
    public void Close()
    {
        frames.Close();
        Purge();
    }

    public void Settle()
    {
        for (uint k = 0; k < _spare.Count; k++)
            ring.Memory.FreeBuffer(_spare[k]);
        _spare.Clear();
    }

    /// <summary>rxsync: release, then import.</summary>
    /// <returns>EINVAL a free slot names no buffer; ENETDOWN, ENXIO.</returns>
    public Errno Sync()
    {
        ring.Counters.Syncs++;
        for (uint i = ring.HwCur; i != ring.RHead; i = ring.Next(i))
            ring.ClearFlags(i, NetmapH.NS_BUF_CHANGED);
        ring.HwCur = ring.RHead;
        uint room = ring.Distance(ring.HwTail, ring.Previous(ring.HwCur));
        if (Import(room, out Errno error) > 0 || error != Errno.Success || room == 0)
            return error;
        bool look = device.Link != LinkState.Up || ++_emptySyncs % SyncsPerLinkCheck == 0;
        return look ? device.LinkError() : Errno.Success;
    }

    /// <summary>Before sleeping: false when frames are waiting or the link is not up.</summary>
    public bool PrepareWait() => !_patience.Wait(this) && frames.PrepareWait() && device.LinkError() == Errno.Success;

    /// <summary>Adds what the program lost since the last call.</summary>
    public void RefreshCounters()
    {
        Count(DropReason.KernelRingFull, frames.Overruns, ref _overruns);
        Count(DropReason.FrameTooLong, frames.TooLong, ref _tooLong);
    }

    private void Count(DropReason reason, long now, ref long seen)
    {
        long before = Interlocked.Exchange(ref seen, now);
        if (now > before)
            ring.Counters.Drop(reason, now - before);
    }

    private void Purge()
    {
        int lost = frames.Purge();
        if (lost > 0)
            ring.Counters.Drop(DropReason.PortClosed, lost);
    }

    private uint Import(uint room, out Errno error)
    {
        uint taken = 0;
        int slotBytes = ring.SlotRoom;
        long packets = 0;
        long bytes = 0;
        error = Errno.Success;
        while (frames.TryPeek(out GearFrame frame))
        {
            int length = frame.Length;
            uint slots = (uint)((length + slotBytes - 1) / slotBytes);
            if (slots > room - taken && slots < ring.SlotCount)
                break;
            frames.Advance(frame);
            if (frame.IsSuspect && FrameLook.CompleteChecksum(frame.Data, length))
                ring.Counters.ChecksumsCompleted++;
            if (slots >= ring.SlotCount)
            {
                ring.Counters.Drop(DropReason.FrameTooLong);
                continue;
            }
            if (!(frame.Buffer == 0 ? Scatter(frame.Data, length, slotBytes) : Exchange(frame)))
            {
                error = BadSlot();
                break;
            }
            taken += slots;
            packets++;
            bytes += length;
            ring.Counters.Scattered += slots > 1 ? 1 : 0;
        }
        frames.Release();
        if (taken > 0 && _patience.Saw(taken))
            frames.Watch();
        ring.Counters.Packets += packets;
        ring.Counters.Bytes += bytes;
        ring.Counters.FastPackets += packets;
        return taken;
    }

    private void Give(uint buffer)
    {
        _spare.Add(buffer);
        frames.Give(buffer);
    }

    /// <summary>The frame's buffer takes the place of the slot's, which is spare from now on; hwtail moves.</summary>
    private bool Exchange(GearFrame frame)
    {
        if (!_spare.Remove(frame.Buffer))
            return true;
        uint own = ring.BufferOf(ring.HwTail);
        if (own == 0)
        {
            Give(frame.Buffer);
            return false;
        }
        Give(own);
        ring.Place(ring.HwTail, frame.Buffer, frame.Length, 0);
        ring.HwTail = ring.Next(ring.HwTail);
        return true;
    }

    /// <summary>Copies a frame over as many slots as it needs and moves hwtail; all or nothing.</summary>
    private bool Scatter(byte* frame, int length, int slotBytes)
    {
        uint i = ring.HwTail;
        int done = 0;
        do
        {
            SlotView slot = ring.Slot(i);
            if (slot.IsUnusable)
                return false;
            int part = Math.Min(length - done, slotBytes);
            Buffer.MemoryCopy(frame + done, slot.Data, part, part);
            done += part;
            ring.Fill(i, part, done < length ? NetmapH.NS_MOREFRAG : (ushort)0);
            i = ring.Next(i);
        }
        while (done < length);
        ring.HwTail = i;
        return true;
    }

    /// <summary>A slot we were to fill names no buffer: the program lost this frame.</summary>
    private Errno BadSlot()
    {
        ring.Counters.Drop(DropReason.BadSlot);
        ring.Reinit();
        return Errno.EINVAL;
    }
}
