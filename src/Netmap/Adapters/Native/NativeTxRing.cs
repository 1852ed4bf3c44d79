using System.Buffers.Binary;
using Netmap.Devices;
using Netmap.Devices.Xdp;
using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Adapters.Native;

/// <summary>
/// The transmit half of one ring: the kernel reads slots' buffers where they are. A slot is completed when the kernel has
/// let go of its buffer, which may be out of order; hwtail moves over completed ones. Which buffers the kernel has is
/// remembered outside shared memory.
/// </summary>
/// <param name="ring">The kring.</param>
/// <param name="device">Link state, MTU and where frames lie.</param>
/// <param name="fast">The other way out, for batches; null where there is none.</param>
internal sealed unsafe class NativeTxRing(KRing ring, XdpDevice device, NativeTxGear? fast)
{
    /// <summary>Buffers of one frame at most: an skb has room for 17 fragments, and drops more without completing them.</summary>
    private const int MostFragments = 16;

    private const int Addresses = 12;
    private const int TagBytes = 4;
    private static readonly TimeSpan s_retry = TimeSpan.FromMicroseconds(100);

    // By slot: the buffer the kernel has, plus 1; 0 for none. Buffer 0 stands for a bad index.
    private readonly uint[] _inFlight = new uint[ring.SlotCount];
    private readonly UmemLayout _layout = device.Layout;
    private readonly bool[] _orphaned = new bool[ring.SlotCount];
    private readonly FramePart[] _parts = new FramePart[MostFragments];
    private XskSocket? _socket;

    /// <summary>Room in the kernel has no event; completions come with the next look.</summary>
    public DeviceWait Wait => new(-1, 0, s_retry);

    public void Open(XskSocket socket) => _socket = socket;

    /// <summary>
    /// The ring loses its last user while the port stays open: buffers the kernel may still read are freed when it lets go
    /// of them.
    /// </summary>
    public void Close()
    {
        for (uint i = 0; i < ring.SlotCount; i++)
        {
            if (_inFlight[i] == 0 || _orphaned[i])
                continue;
            _orphaned[i] = true;
            ring.SetBuffer(i, 0);
        }
    }

    /// <summary>The socket is closed: the ring's slots have their buffers again, those of a ring that is gone are free.</summary>
    public void Settle()
    {
        for (uint i = 0; i < ring.SlotCount; i++)
        {
            if (_inFlight[i] != 0 && !_orphaned[i] && ring.Exists)
                ring.SetBuffer(i, _inFlight[i] - 1);
            else if (_inFlight[i] != 0)
                ring.Memory.FreeBuffer(_inFlight[i] - 1);
            (_inFlight[i], _orphaned[i]) = (0, false);
        }
        fast?.Dispose();
        _socket = null;
    }

    /// <summary>txsync: hwcur..rhead to the kernel, then reclaim.</summary>
    /// <returns>ENETDOWN, ENXIO: nothing is taken, since it would go out, stale, when the link is up again.</returns>
    public Errno Sync()
    {
        ring.Counters.Syncs++;
        Errno refusal = device.Link == LinkState.Up ? Errno.Success : device.LinkError();
        // Behind frames of this gear that the kernel has not taken yet, only more of them.
        if (refusal == Errno.Success && fast is { IsWorthIt: true } && _socket!.Tx.Untaken == 0)
            refusal = fast.Send(this);
        if (refusal is not (Errno.ENETDOWN or Errno.ENXIO))
        {
            Queue();
            refusal = Kick();
        }
        Clean();
        return refusal is Errno.ENETDOWN or Errno.ENXIO ? refusal : Errno.Success;
    }

    /// <summary>Gives the kernel whole frames, as many as its ring has room for.</summary>
    private void Queue()
    {
        uint room = _socket!.Tx.Room(ring.SlotCount);
        uint queued = 0;
        uint i = ring.HwCur;
        while (i != ring.RHead)
        {
            uint slots = Read(i, out int length, out DropReason? problem);
            if (slots == 0 || queued + slots > room)
                break;
            if (problem is { } reason)
                ring.Counters.Drop(reason);
            else
            {
                ring.Counters.Packets++;
                ring.Counters.Bytes += length;
            }
            for (uint k = 0; k < slots; k++, i = ring.Next(i))
            {
                ring.ClearFlags(i, NetmapH.NS_REPORT | NetmapH.NS_BUF_CHANGED);
                if (problem is null)
                    Write(queued++, i, _parts[k]);
            }
        }
        ring.HwCur = i;
        _socket.Tx.Submit(queued);
    }

    /// <summary>The frame that was read last; valid unless there was a problem with it.</summary>
    public ReadOnlySpan<FramePart> Frame(uint slots) => _parts.AsSpan(0, (int)slots);

    /// <summary>
    /// Reads the frame that begins here, each slot once: what is judged is what is sent, whatever the program writes
    /// meanwhile.
    /// </summary>
    /// <returns>Its slots; 0 when the last one is not there yet.</returns>
    public uint Read(uint first, out int length, out DropReason? problem)
    {
        length = 0;
        problem = null;
        uint slots = 0;
        bool more = true;
        for (uint i = first; more && i != ring.RHead; i = ring.Next(i), slots++)
        {
            SlotView slot = ring.Slot(i);
            int part = slot.Length;
            more = device.Scatters && (slot.Flags & NetmapH.NS_MOREFRAG) != 0;
            if (slots < MostFragments)
                _parts[slots] = new(slot.Data, part, more);
            if (part == 0)
                problem = DropReason.TooShort;
            // The driver cannot read on behind a chunk: the kernel would refuse it.
            if (part > device.SlotRoom)
                problem = DropReason.FrameTooLong;
            length += part;
        }
        if (more && slots < ring.SlotCount - 1)
            return 0;
        problem ??= slots > MostFragments ? DropReason.TooManyFragments
            : length < LinuxIfEther.ETH_HLEN ? DropReason.TooShort
            : length > device.LongestFrame && !device.MaySend(length - (HasTag(_parts[0]) ? TagBytes : 0)) ? DropReason.ExceedsMtu : null;
        return slots;
    }

    /// <summary>One part of a frame without problems, from slot <paramref name="i"/>.</summary>
    private void Write(uint ahead, uint i, in FramePart part)
    {
        ulong address = (ulong)(part.Data - (byte*)device.Memory.Address);
        // Buffer 0 is sent for an index out of range (spec 2.4).
        _inFlight[i] = _layout.BufferAt(address) + 1;
        _socket!.Tx.Write(ahead, new()
        {
            addr = address,
            len = (uint)part.Length,
            options = part.More ? LinuxIfXdp.XDP_PKT_CONTD : 0,
        });
    }

    private static bool HasTag(in FramePart first) => first.Length > Addresses + TagBytes
        && BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(first.Data + Addresses, 2)) is 0x8100 or 0x88a8;

    /// <summary>
    /// Calls the kernel until it has taken all, or refuses. What it has not taken stays in its ring and goes with a later
    /// kick.
    /// </summary>
    private Errno Kick()
    {
        XskProducer<xdp_desc> tx = _socket!.Tx;
        uint before = tx.Untaken;
        while (before > 0 && tx.NeedsWakeup)
        {
            SysResult kicked = _socket.Kick();
            uint left = tx.Untaken;
            // The kernel took this one and lost it: no carrier.
            if (left < before && kicked.Errno == Errno.EBUSY)
                CountLost((int)tx.LastTaken.len);
            if (left == before || _socket.IsZeroCopy)
            {
                ring.Counters.Refusals += kicked.IsError ? 1 : 0;
                return kicked.Errno is Errno.ENETDOWN or Errno.ENXIO or Errno.ENODEV ? device.LinkError() : kicked.Errno;
            }
            before = left;
        }
        return Errno.Success;
    }

    /// <summary>A frame that was taken counts as sent; this one was not.</summary>
    private void CountLost(int length)
    {
        ring.Counters.Drop(DropReason.LinkDown);
        ring.Counters.Packets--;
        ring.Counters.Bytes -= length;
    }

    /// <summary>Takes completed buffers back, and moves hwtail over the slots that are free again.</summary>
    private void Clean()
    {
        uint completed = _socket!.Completions.Available();
        uint oldest = Oldest(ring.Next(ring.HwTail));
        for (uint k = 0; k < completed; k++)
        {
            Complete(oldest, _layout.BufferAt(_socket.Completions.Read(k)) + 1);
            oldest = Oldest(oldest);
        }
        if (completed > 0)
            _socket.Completions.Release(completed);
        ring.HwTail = ring.Previous(oldest);
    }

    /// <summary>The first slot from <paramref name="i"/> on that is not completed.</summary>
    private uint Oldest(uint i)
    {
        while (i != ring.HwCur && _inFlight[i] == 0)
            i = ring.Next(i);
        return i;
    }

    /// <summary>The first slot in flight with this buffer is done: nearly always the oldest of all.</summary>
    private void Complete(uint oldest, uint buffer)
    {
        uint i = oldest;
        while (i != ring.HwCur && _inFlight[i] != buffer)
            i = ring.Next(i);
        if (i == ring.HwCur)
            return;
        _inFlight[i] = 0;
        if (_orphaned[i])
            ring.Memory.FreeBuffer(buffer - 1);
        _orphaned[i] = false;
    }
}
