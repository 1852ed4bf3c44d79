using System.Runtime.InteropServices;
using Netmap.Bpf;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// The fast way in, for interfaces whose XDP sockets would copy anyway: the XDP program copies each frame into a mapped
/// ring and drops it, so that the kernel never sees it again. A long frame goes into one of netmap's buffers, if these are in an
/// array and the reader has given one, and the ring gets its place. One ring a receive queue; the driver runs the program for one
/// frame of a queue at a time, so each ring has one writer.
/// </summary>
internal sealed class GearRx : IDisposable
{
    private const int AllRings = 64 << 20;
    private const int LargestRing = 2 << 20;
    private const int SmallestRing = 256 << 10;
    private const int LongestFragmented = ushort.MaxValue;
    private const int LongestLinear = 4096;

    // A queue's area: what the program writes for each frame and we look at; what we write for each sync and it looks at
    // when its ring seems full; what we write rarely and it looks at for each frame; the program's own; the records. In
    // pairs of cache lines, which processors fetch together.
    private const int Produced = 0;
    private const int Consumed = 128;
    private const int Asleep = 256;
    private const int On = 260;
    private const int Watching = 264;
    private const int Offset = 384;
    private const int Made = 388;
    private const int Seen = 392;
    private const int Full = 400;
    private const int TooLong = 408;
    private const int Filled = 416;
    private const int Fill = 512;
    private const int Records = Fill + (GearRxRing.MostGiven * sizeof(uint));

    /// <summary>On the program's stack: bytes of the record, and the buffer of a long frame.</summary>
    private const int Size = -8;
    private const int Buffer = -16;

    /// <summary>Frames of so many bytes to <see cref="LongestShort"/> are copied by the program itself, as two overlapping halves.</summary>
    private const int ShortHalf = 32;
    private const int LongestShort = 2 * ShortHalf;

    /// <summary>
    /// How far ahead of the record it writes the program claims a cache line for its core, by a store into free room: 4
    /// percent less a frame, measured by turns with and without.
    /// </summary>
    private const int Ahead = 4096;
    private const int Claimed = Ahead + GearRecord.Alignment;

    private readonly GearPool? _pool;
    private readonly BpfMap _records;
    private readonly BpfMapping _mapping;
    private readonly GearRxRing[] _rings;
    private readonly int _ringBytes;
    private readonly int _longest;

    /// <param name="queues">Receive queues.</param>
    /// <param name="fragmented">The program takes frames of several buffers (BPF_F_XDP_HAS_FRAGS), up to 65,535 bytes.</param>
    /// <param name="pool">netmap's memory, where programs reach it.</param>
    /// <param name="port">For errors.</param>
    /// <exception cref="NetmapException">EPERM, ENOMEM.</exception>
    public GearRx(int queues, bool fragmented, GearPool? pool, string port)
    {
        _pool = pool;
        _longest = fragmented ? LongestFragmented : LongestLinear;
        _ringBytes = Math.Clamp((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(AllRings / queues)), SmallestRing, LargestRing);
        _records = BpfMap.Create("netmap_rx", BpfMapSpec.Array(queues * Stride), port);
        _mapping = _records.Map(0, (nuint)(queues * Stride), writable: true);
        _rings = [.. Enumerable.Range(0, queues).Select(MakeRing)];
    }

    private int Stride => Records + _ringBytes + GearRecord.BytesOf(_longest);

    public GearRxRing Ring(int index) => _rings[index];

    /// <summary>
    /// Adds the receive part: the frame is copied to its queue's ring and the program ends with XDP_DROP; frames of a queue
    /// that is not on go on after this part. Expects the context in R6; R0–R5 and R7–R9 are lost.
    /// </summary>
    /// <param name="code">Where to.</param>
    /// <param name="sockets">Queue to XDP socket, the bell of its reader.</param>
    /// <param name="mend">What a frame that is taken goes through before it is measured; may use R0–R5 and 16 bytes of stack.</param>
    public void Emit(BpfAssembler code, BpfMap sockets, Action<BpfAssembler>? mend = null)
    {
        FindRing(code);
        mend?.Invoke(code);
        Measure(code);
        if (_pool is not null)
            ChooseBuffer(code, _pool);
        code.Move(R5, R8)
            .Label("gear_sized");
        FindRoom(code);
        CopyFrame(code);
        Publish(code);
        Wake(code, sockets);
        code.Label("gear_taken").Exit(LinuxBpf.XDP_DROP)
            .Label("gear_full");
        Count(code, Full);
        code.Label("gear_too_long");
        Count(code, TooLong);
        code.Label("gear_off");
    }

    public void Dispose()
    {
        _mapping.Dispose();
        _records.Dispose();
    }

    private static int Field(string name) => (int)Marshal.OffsetOf<xdp_md>(name);

    private unsafe GearRxRing MakeRing(int index)
    {
        byte* area = _mapping.Address + ((long)index * Stride);
        return new(_pool, new GearRxLayout
        {
            Produced = (uint*)(area + Produced),
            Consumed = (uint*)(area + Consumed),
            Asleep = (uint*)(area + Asleep),
            On = (uint*)(area + On),
            Watching = (uint*)(area + Watching),
            Full = (long*)(area + Full),
            TooLong = (long*)(area + TooLong),
            Fill = (uint*)(area + Fill),
            Records = area + Records,
            RingBytes = (uint)_ringBytes,
        });
    }

    /// <summary>R7 = the queue's area.</summary>
    private void FindRing(BpfAssembler code)
    {
        code.Load(BpfSize.Word, R1, R6, Field(nameof(xdp_md.rx_queue_index)))
            .JumpIf(BpfTest.Above, R1, _rings.Length - 1, "gear_off")
            .Alu(BpfAlu.Multiply, R1, Stride)
            .LoadMapValue(R7, _records)
            .Alu(BpfAlu.Add, R7, R1)
            .Load(BpfSize.Word, R1, R7, On)
            .JumpIf(BpfTest.Equal, R1, 0, "gear_off");
    }

    /// <summary>R8 = the frame's length.</summary>
    private void Measure(BpfAssembler code)
    {
        if (_longest == LongestFragmented)
            code.Move(R1, R6).Call(BpfFunc.BPF_FUNC_xdp_get_buff_len).Move(R8, R0);
        else
            code.Load(BpfSize.Word, R8, R6, Field(nameof(xdp_md.data_end)))
                .Load(BpfSize.Word, R1, R6, Field(nameof(xdp_md.data)))
                .Alu(BpfAlu.Subtract, R8, R1);
        code.JumpIf(BpfTest.Above, R8, _longest, "gear_too_long")
            .JumpIf(BpfTest.Equal, R8, 0, "gear_taken");
    }

    /// <summary>
    /// A long frame takes the next buffer that the reader has given: its number to the stack, and R5 = 0, since its record holds no
    /// bytes. An entry of the fill list is a buffer's number until it is taken, then 0, and then ours until it is set again. What is
    /// written to the buffer comes after that load because a branch depends on it: pairs with the store-release in
    /// <see cref="GearRxRing.Give"/>. The 0 is visible before the record: pairs with the load-acquire of Produced there.
    /// </summary>
    private static void ChooseBuffer(BpfAssembler code, GearPool pool) => code
        .Store(BpfSize.Double, R10, Buffer, 0)
        .JumpIf(BpfTest.Below, R8, GearPool.ShortestDirect, "gear_short")
        .JumpIf(BpfTest.Above, R8, pool.LongestDirect, "gear_short")
        .Load(BpfSize.Word, R1, R7, Filled)
        .Alu(BpfAlu.And, R1, GearRxRing.MostGiven - 1)
        .Alu(BpfAlu.ShiftLeft, R1, 2)
        .Move(R2, R7).Alu(BpfAlu.Add, R2, R1)
        .Load(BpfSize.Word, R3, R2, Fill)
        .JumpIf(BpfTest.Equal, R3, 0, "gear_short")
        .JumpIf(BpfTest.AtLeast, R3, pool.BufferCount, "gear_short")
        .Store(BpfSize.Double, R10, Buffer, R3)
        .Move(R5, 0)
        .Jump("gear_sized")
        .Label("gear_short");

    /// <summary>
    /// R9 = offset of the new record, its size on the stack; to "gear_full" when that many bytes are not free. Whether they
    /// are tells what was last seen of Consumed; that is read again only when they seem not to be, since its line is the
    /// reader's. Room for what is claimed <see cref="Ahead"/> has to be free, too. The copy below comes after that load because a branch depends on it, which orders it before later stores
    /// on every processor: pairs with the store-release in <see cref="GearRxRing.Release"/>.
    /// </summary>
    private void FindRoom(BpfAssembler code) => code
        .Load(BpfSize.Word, R9, R7, Offset)
        .JumpIf(BpfTest.AtLeast, R9, _ringBytes, "gear_full")
        .Alu(BpfAlu.Add, R5, GearRecord.Header + GearRecord.Alignment - 1)
        .Alu(BpfAlu.And, R5, ~(GearRecord.Alignment - 1))
        .Store(BpfSize.Double, R10, Size, R5)
        .Load(BpfSize.Word, R1, R7, Made)
        .Load(BpfSize.Word, R2, R7, Seen)
        .Move(R3, R1)
        .Alu32(BpfAlu.Subtract, R3, R2)
        .Alu(BpfAlu.Add, R3, R5)
        .JumpIf(BpfTest.AtMost, R3, _ringBytes - Claimed, "gear_room")
        .Load(BpfSize.Word, R2, R7, Consumed)
        .Store(BpfSize.Word, R7, Seen, R2)
        .Alu32(BpfAlu.Subtract, R1, R2)
        .Alu(BpfAlu.Add, R1, R5)
        .JumpIf(BpfTest.Above, R1, _ringBytes - Claimed, "gear_full")
        .Label("gear_room");

    /// <summary>Writes the record at R9: the length R8, and the frame.</summary>
    private void CopyFrame(BpfAssembler code)
    {
        code.Move(R0, R7).Alu(BpfAlu.Add, R0, R9);
        if (_pool is not null)
            CopyToBuffer(code, _pool);
        code.Store(BpfSize.Word, R0, Records, R8);
        CopyShort(code);
        code.Label("gear_long")
            .Move(R3, R7).Alu(BpfAlu.Add, R3, R9).Alu(BpfAlu.Add, R3, Records + GearRecord.Header)
            .Move(R1, R6).Move(R2, 0).Move(R4, R8).Call(BpfFunc.BPF_FUNC_xdp_load_bytes)
            .JumpIf(BpfTest.NotEqual, R0, 0, "gear_too_long")
            .Label("gear_copied");
    }

    /// <summary>
    /// Copies the frame to the buffer that was chosen, if one was, and writes the record at R0: length and buffer. The verifier knows
    /// the buffer's number from the stack no more, so it is held against their count again.
    /// </summary>
    private static void CopyToBuffer(BpfAssembler code, GearPool pool) => code
        .Load(BpfSize.Double, R1, R10, Buffer)
        .JumpIf(BpfTest.Equal, R1, 0, "gear_packed")
        .JumpIf(BpfTest.AtLeast, R1, pool.BufferCount, "gear_packed")
        .JumpIf(BpfTest.Above, R8, pool.LongestDirect, "gear_packed")
        .Move(R2, unchecked((int)GearRecord.Direct)).Alu32(BpfAlu.Or, R2, R8)
        .Store(BpfSize.Word, R0, Records, R2)
        .Store(BpfSize.Word, R0, Records + GearRecord.Header, R1)
        .Load(BpfSize.Word, R2, R7, Filled)
        .Move(R3, R2).Alu(BpfAlu.And, R3, GearRxRing.MostGiven - 1).Alu(BpfAlu.ShiftLeft, R3, 2).Alu(BpfAlu.Add, R3, R7)
        .Store(BpfSize.Word, R3, Fill, 0)
        .Alu(BpfAlu.Add, R2, 1).Store(BpfSize.Word, R7, Filled, R2)
        .Alu(BpfAlu.Multiply, R1, pool.BufferSize)
        .LoadMapValue(R3, pool.Array, pool.Buffers).Alu(BpfAlu.Add, R3, R1)
        .Move(R1, R6).Move(R2, 0).Move(R4, R8).Call(BpfFunc.BPF_FUNC_xdp_load_bytes)
        .JumpIf(BpfTest.NotEqual, R0, 0, "gear_too_long")
        .Jump("gear_copied")
        .Label("gear_packed");

    /// <summary>
    /// Copies a short frame to the record at R0: 10 ns less than the helper takes, of some 80. To "gear_long" if it is not
    /// short, or not in one piece.
    /// </summary>
    private static void CopyShort(BpfAssembler code)
    {
        code.JumpIf(BpfTest.Below, R8, ShortHalf, "gear_long")
            .JumpIf(BpfTest.Above, R8, LongestShort, "gear_long")
            .Load(BpfSize.Word, R2, R6, Field(nameof(xdp_md.data)))
            .Load(BpfSize.Word, R3, R6, Field(nameof(xdp_md.data_end)))
            // R2 the first half, R4 the last one, R5 the distance; the verifier wants each checked against the end.
            .Move(R5, R8).Alu(BpfAlu.Subtract, R5, ShortHalf)
            .Move(R4, R2).Alu(BpfAlu.Add, R4, R5);
        foreach (BpfRegister half in (ReadOnlySpan<BpfRegister>)[R2, R4])
            code.Move(R1, half).Alu(BpfAlu.Add, R1, ShortHalf).JumpIf(BpfTest.Above, R1, R3, "gear_long");
        for (int i = 0; i < ShortHalf; i += sizeof(ulong))
            code.Load(BpfSize.Double, R1, R2, i).Store(BpfSize.Double, R0, Records + GearRecord.Header + i, R1);
        code.Alu(BpfAlu.Add, R0, R5);
        for (int i = 0; i < ShortHalf; i += sizeof(ulong))
            code.Load(BpfSize.Double, R1, R4, i).Store(BpfSize.Double, R0, Records + GearRecord.Header + i, R1);
        code.Jump("gear_copied");
    }

    /// <summary>
    /// Moves on: a record begins below the ring's size and may end beyond it, then the next one is at 0. The exchange is a
    /// full barrier: the record is visible before Produced (pairs with the load-acquire in <see cref="GearRxRing.TryPeek"/>),
    /// and Produced before Asleep is read (pairs with the fence in <see cref="GearRxRing.PrepareWait"/>). While the reader
    /// watches, it need not be woken, and a store does, which on x86 comes after those of the record and waits for nothing.
    /// </summary>
    private void Publish(BpfAssembler code)
    {
        code.Load(BpfSize.Double, R5, R10, Size)
            .Alu(BpfAlu.Add, R9, R5)
            .JumpIf(BpfTest.Below, R9, _ringBytes, "gear_no_wrap")
            .Move(R9, 0)
            .Label("gear_no_wrap")
            .Store(BpfSize.Word, R7, Offset, R9)
            .Load(BpfSize.Word, R1, R7, Made)
            .Alu(BpfAlu.Add, R1, R5)
            .Store(BpfSize.Word, R7, Made, R1)
            .Alu(BpfAlu.Add, R9, R7)
            .Store(BpfSize.Word, R9, Records + Ahead, 0);
        if (RuntimeInformation.ProcessArchitecture == Architecture.X64)
            code.Load(BpfSize.Word, R2, R7, Watching)
                .JumpIf(BpfTest.Equal, R2, 0, "gear_unwatched")
                .Store(BpfSize.Word, R7, Produced, R1)
                .Exit(LinuxBpf.XDP_DROP)
                .Label("gear_unwatched");
        code.Atomic(BpfAtomic.Exchange, BpfSize.Word, R7, Produced, R1);
    }

    /// <summary>
    /// Rings the queue's bell if its reader sleeps, once: what is left of the frame goes to the queue's XDP socket, which
    /// wakes in this very softirq. A BPF ring buffer would wake from an interrupt of its own.
    /// </summary>
    private static void Wake(BpfAssembler code, BpfMap sockets)
    {
        code.Load(BpfSize.Word, R1, R7, Asleep)
            .JumpIf(BpfTest.Equal, R1, 0, "gear_taken")
            .Store(BpfSize.Word, R7, Asleep, 0)
            // The socket would copy all of it.
            .Move(R1, R6).Move(R2, LinuxIfEther.ETH_HLEN).Alu(BpfAlu.Subtract, R2, R8).Call(BpfFunc.BPF_FUNC_xdp_adjust_tail);
        XdpProgram.Redirect(code, sockets, LinuxBpf.XDP_DROP);
    }

    private static void Count(BpfAssembler code, int counter) => code
        .Load(BpfSize.Double, R1, R7, counter).Alu(BpfAlu.Add, R1, 1).Store(BpfSize.Double, R7, counter, R1)
        .Exit(LinuxBpf.XDP_DROP);
}
