using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Netmap.Cli.Bench.Software;

/// <summary>
/// The machine's limit: the slots and bytes of a case, in as much memory laid out as netmap's, moved by one thread with no
/// check, no index in shared memory, no counter and no ordering. A batch is filled (length and flags of each slot), carried
/// across, read (length of each slot), and on a pipe carried back.
/// </summary>
internal sealed unsafe class BareLoop : Stage, IDisposable
{
    public const string Name = "bare-loop";

    private const int Slots = 1024;
    private const int BufferSize = 2048;
    private const int TableSize = 1024;

    private readonly SoftwareCase _case;
    private readonly bool _copies;
    private readonly NetmapSlot* _from;
    private readonly NetmapSlot* _to;
    private readonly byte* _buffers;
    private readonly byte[] _table = new byte[TableSize];
    private int _head;

    /// <param name="case">Size and batch.</param>
    /// <param name="copies">False: slots change hands, as on a pipe. True: frames are copied to the port that the hash of their address names, as on a switch.</param>
    /// <param name="frame">In every buffer.</param>
    public BareLoop(SoftwareCase @case, bool copies, ReadOnlySpan<byte> frame)
    {
        (_case, _copies) = (@case, copies);
        _from = (NetmapSlot*)Allocate(Slots * sizeof(NetmapSlot));
        _to = (NetmapSlot*)Allocate(Slots * sizeof(NetmapSlot));
        _buffers = Allocate(2 * Slots * BufferSize);
        for (int i = 0; i < 2 * Slots; i++)
        {
            frame.CopyTo(new Span<byte>(_buffers + ((long)i * BufferSize), BufferSize));
            (i < Slots ? _from : _to)[i % Slots] = new() { BufferIndex = (uint)i };
        }
        _table[Hash(Address(_buffers))] = 1;
    }

    /// <summary>Bytes received, as the slots say.</summary>
    public long Bytes { get; private set; }

    public override long Sent => Packets;

    public override int Step()
    {
        // A batch that would go round the end of the ring ends there.
        int count = Math.Min(_case.Batch, Slots - _head);
        NetmapSlot* from = _from + _head;
        NetmapSlot* to = _to + _head;
        for (int i = 0; i < count; i++)
            (from[i].Length, from[i].Flags) = ((ushort)_case.Bytes, SlotFlags.None);
        if (_copies)
            Copy(from, to, count);
        else
            Unsafe.CopyBlock(to, from, (uint)(count * sizeof(NetmapSlot)));
        long bytes = 0;
        for (int i = 0; i < count; i++)
            bytes += to[i].Length;
        if (!_copies)
            Unsafe.CopyBlock(from, to, (uint)(count * sizeof(NetmapSlot)));
        Bytes += bytes;
        _head = (_head + count) % Slots;
        return count;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_from);
        NativeMemory.AlignedFree(_to);
        NativeMemory.AlignedFree(_buffers);
    }

    /// <summary>Whole cache lines are copied of short frames: less work than an exact length.</summary>
    private void Copy(NetmapSlot* from, NetmapSlot* to, int count)
    {
        uint length = (uint)_case.Bytes;
        for (int i = 0; i < count; i++)
        {
            byte* data = _buffers + ((long)from[i].BufferIndex * BufferSize);
            if (_table[Hash(Address(data))] == 0)
                continue;
            byte* place = _buffers + ((long)to[i].BufferIndex * BufferSize);
            if (length <= 64)
                Unsafe.CopyBlock(place, data, 64);
            else
                Unsafe.CopyBlock(place, data, length);
            (to[i].Length, to[i].Flags) = (from[i].Length, from[i].Flags);
        }
    }

    private static ulong Address(byte* frame) => *(ulong*)frame & 0xffff_ffff_ffff;

    private static uint Hash(ulong address) => (uint)((address * 0x9e3779b97f4a7c15) >> 54);

    private static byte* Allocate(int bytes) => (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
}
