using Netmap.Bpf;
using Netmap.Interop;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// One transmit ring's way through <see cref="GearTx"/>: add frames, then send them all in one call. Used by one thread at
/// a time (the ring's lock), which also runs the program.
/// </summary>
internal sealed unsafe class GearTxRing(GearTx owner, GearPool? pool, uint* control, byte* records, int capacity, int startLength)
{
    /// <summary>
    /// Frames the kernel runs before it lets them go. The far end of a veth has room for 256 and empties it between two
    /// batches; at 128 a batch may find some left, and small batches pay for the flush more often. Measured: 16 gave 5.4,
    /// 32 5.6, 64 5.7, 128 5.4 million frames a second.
    /// </summary>
    private const int Batch = 64;

    /// <summary>Shorter frames are copied into their record: the program finds them in a line that it reads anyway.</summary>
    private const int ShortestDirect = 256;

    // Words of the control line: where the next record is, where the last one ends, records done, and refused of these.
    public const int Next = 0;
    public const int End = 1;
    public const int Done = 2;
    public const int Refused = 3;

    private static readonly byte[] s_start = new byte[4096];

    private int _end;
    private int _added;

    /// <summary>Frames the kernel's page had no room for; none are expected.</summary>
    public long Rejected { get; private set; }

    /// <summary>Frames added and not sent yet.</summary>
    public int Added => _added;

    /// <summary>Where the next frame goes; valid when there is room for it.</summary>
    public byte* Place => records + _end + GearRecord.Header;

    /// <summary>There is room for a frame of this length.</summary>
    public bool HasRoom(int length) => _end + GearRecord.BytesOf(length) <= capacity;

    /// <summary>Adds the frame at <see cref="Place"/>, of an Ethernet header's length to <see cref="GearTx.LongestFrame"/>.</summary>
    public void Add(int length)
    {
        *(int*)(records + _end) = length;
        _end += GearRecord.BytesOf(length);
        _added++;
    }

    /// <summary>A frame that takes one slot, of this length, may stay where it is: <see cref="AddDirect"/>.</summary>
    public bool TakesDirect(int length) => pool is not null && length >= ShortestDirect;

    /// <summary>Adds a frame that lies in netmap's memory and stays there, unchanged, until <see cref="Send"/> returns.</summary>
    public void AddDirect(byte* frame, int length)
    {
        uint* record = (uint*)(records + _end);
        record[0] = (uint)(length | GearRecord.Place);
        record[1] = (uint)(frame - (byte*)pool!.Address);
        _end += GearRecord.PlaceBytes;
        _added++;
    }

    /// <summary>
    /// Sends what was added, in order, and forgets it. The kernel has read this memory when the call returns: the same
    /// thread runs the program, so program order is all the ordering there is to it.
    /// </summary>
    /// <param name="error">ENXIO: the interface has left its place; else what the kernel said.</param>
    /// <returns>Frames handed to the interface: the first ones of those added.</returns>
    public int Send(out Errno error)
    {
        (control[Next], control[End], control[Done], control[Refused]) = (0, (uint)_end, 0, 0);
        error = Errno.Success;
        int done = 0;
        while (done < _added && error == Errno.Success)
        {
            error = Run(_added - done);
            int now = (int)control[Done];
            // It ran to its end and moved nothing: it found the interface gone.
            error = error == Errno.Success && now == done ? Errno.ENXIO : error == Errno.EINTR ? Errno.Success : error;
            done = now;
        }
        Rejected += control[Refused];
        (_end, _added) = (0, 0);
        return done;
    }

    /// <summary>One run of the program; a signal ends it early (EINTR), and what it has sent is sent.</summary>
    private Errno Run(int frames)
    {
        if (owner.Program is not { } program)
            return Errno.ENXIO;
        return BpfTestRun.RunLive(program, s_start.AsSpan(0, startLength), 0, (uint)frames, Batch).Errno;
    }
}
