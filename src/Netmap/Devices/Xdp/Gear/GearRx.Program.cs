using System.Runtime.InteropServices;
using Netmap.Bpf;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Devices.Xdp.Gear;

/// <content>
/// The program's part. What limits it is waiting for cache lines that the reader's core had last: the kernel takes a lock for each
/// page it gets back, and a locked instruction waits for all stores before it. So it writes as few such lines as can be: places are
/// eight to a line, buffers whose bytes the reader never looks at stay with this core, and whether a checksum may be partial is found
/// out here.
/// </content>
internal sealed partial class GearRx
{
    // On the stack: bytes of the ring that the record takes, where the next one begins, flags of its first word, and the buffer.
    private const int Size = -8;
    private const int Next = -16;
    private const int Flags = -24;
    private const int Buffer = -32;

    /// <summary>Frames of so many bytes to <see cref="LongestShort"/> are copied by the program itself, as two overlapping halves.</summary>
    private const int ShortHalf = 32;
    private const int LongestShort = 2 * ShortHalf;

    // An IPv4 header without options behind an Ethernet header.
    private const int Type = 12;
    private const int Ip = 14;
    private const int TotalLength = Ip + 2;
    private const int Fragment = Ip + 6;
    private const int Protocol = Ip + 9;
    private const int Source = Ip + 12;
    private const int Destination = Ip + 16;
    private const int IpHeader = 20;
    private const int UdpPort = Ip + IpHeader + 2;
    private const int UdpChecksum = Ip + IpHeader + 6;
    private const int TcpChecksum = Ip + IpHeader + 16;

    /// <summary>
    /// Adds the receive part: the frame is copied to its queue's ring or into a buffer, and the program ends with XDP_DROP; frames of a
    /// queue that is not on go on after this part. Expects the context in R6; R0–R5 and R7–R9 are lost.
    /// </summary>
    /// <param name="code">Where to.</param>
    /// <param name="sockets">Queue to XDP socket, the bell of its reader.</param>
    /// <param name="mend">What a frame that is taken goes through before it is measured; may use R0–R5 and 16 bytes of stack.</param>
    public void Emit(BpfAssembler code, BpfMap sockets, Action<BpfAssembler>? mend = null)
    {
        FindRing(code);
        mend?.Invoke(code);
        Measure(code);
        // First whether there is room: what is lost must cost little, or a reader that is too slow slows the sender down, too.
        FindRoom(code);
        code.Store(BpfSize.Double, R10, Flags, 0);
        if (_mayBePartial)
            Judge(code);
        if (_pool is not null)
            BeginPlace(code, _pool);
        BeginPacked(code);
        Copy(code);
        Publish(code);
        Wake(code, sockets);
        code.Label("gear_taken").Exit(LinuxBpf.XDP_DROP)
            .Label("gear_full");
        Count(code, Full);
        code.Label("gear_too_long");
        Count(code, TooLong);
        code.Label("gear_off");
    }

    private static int Field(string name) => (int)Marshal.OffsetOf<xdp_md>(name);

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
    /// The flag <see cref="GearRecord.Suspect"/>, but for TCP and UDP over plain IPv4 whose checksum is not the sum of the
    /// pseudo-header: it is complete then (see <see cref="FrameLook"/>). Whatever else the frame may be, the datagram of a tunnel among
    /// it, the reader looks itself.
    /// One's complement sums are the same in either byte order.
    /// </summary>
    private static void Judge(BpfAssembler code) => code
        .Load(BpfSize.Word, R2, R6, Field(nameof(xdp_md.data)))
        .Load(BpfSize.Word, R3, R6, Field(nameof(xdp_md.data_end)))
        .Move(R1, R2).Alu(BpfAlu.Add, R1, TcpChecksum + sizeof(ushort)).JumpIf(BpfTest.Above, R1, R3, "gear_suspect")
        .Load(BpfSize.Half, R1, R2, Type).BigEndian(R1, 16).JumpIf(BpfTest.NotEqual, R1, LinuxIfEther.ETH_P_IP, "gear_suspect")
        .Load(BpfSize.Byte, R1, R2, Ip).JumpIf(BpfTest.NotEqual, R1, 0x45, "gear_suspect")
        .Load(BpfSize.Half, R1, R2, Fragment).BigEndian(R1, 16).JumpIf(BpfTest.AnyBit, R1, 0x3fff, "gear_suspect")
        .Load(BpfSize.Half, R4, R2, TotalLength).BigEndian(R4, 16).Alu(BpfAlu.Subtract, R4, IpHeader).BigEndian(R4, 16)
        .Load(BpfSize.Byte, R1, R2, Protocol)
        .Load(BpfSize.Half, R5, R2, TcpChecksum).JumpIf(BpfTest.Equal, R1, LinuxIn.IPPROTO_TCP, "gear_sum")
        .JumpIf(BpfTest.NotEqual, R1, LinuxIn.IPPROTO_UDP, "gear_suspect")
        .Load(BpfSize.Half, R5, R2, UdpPort).BigEndian(R5, 16)
        .JumpIf(BpfTest.Equal, R5, FrameLook.Vxlan, "gear_suspect")
        .JumpIf(BpfTest.Equal, R5, FrameLook.OldVxlan, "gear_suspect")
        .JumpIf(BpfTest.Equal, R5, FrameLook.Geneve, "gear_suspect")
        .Load(BpfSize.Half, R5, R2, UdpChecksum)
        .Label("gear_sum")
        .BigEndian(R1, 16).Alu(BpfAlu.Add, R4, R1)
        .Load(BpfSize.Word, R1, R2, Source).Alu(BpfAlu.Add, R4, R1)
        .Load(BpfSize.Word, R1, R2, Destination).Alu(BpfAlu.Add, R4, R1)
        .Alu32(BpfAlu.Move, R1, R4).Alu(BpfAlu.ShiftRight, R4, 32).Alu(BpfAlu.Add, R4, R1)
        .Move(R1, R4).Alu(BpfAlu.And, R1, 0xffff).Alu(BpfAlu.ShiftRight, R4, 16).Alu(BpfAlu.Add, R4, R1)
        .Move(R1, R4).Alu(BpfAlu.And, R1, 0xffff).Alu(BpfAlu.ShiftRight, R4, 16).Alu(BpfAlu.Add, R4, R1)
        .Move(R1, R4).Alu(BpfAlu.And, R1, 0xffff).Alu(BpfAlu.ShiftRight, R4, 16).Alu(BpfAlu.Add, R4, R1)
        .JumpIf(BpfTest.NotEqual, R4, R5, "gear_judged")
        .Label("gear_suspect")
        .Store(BpfSize.Double, R10, Flags, GearRecord.Suspect)
        .Label("gear_judged");

    /// <summary>
    /// R9 = offset of the new record; its size and where the next one begins to the stack; to "gear_full" when so many bytes are not
    /// free. Whether they are tells what was last seen of Consumed; that is read again only when they seem not to be, since its line is
    /// the reader's. What is written below comes after that load because a branch depends on it, which orders it before later stores
    /// on every processor: pairs with the store-release in <see cref="GearRxRing.Release"/>.
    /// </summary>
    private void FindRoom(BpfAssembler code)
    {
        code.Load(BpfSize.Word, R9, R7, Offset)
            .JumpIf(BpfTest.AtLeast, R9, _ringBytes, "gear_full");
        if (_pool is not null)
            ChooseBuffer(code, _pool);
        // Header and frame in whole lines, from the beginning of one.
        code.Move(R5, R8)
            .Alu(BpfAlu.Add, R5, GearRecord.Header + GearRecord.Alignment - 1)
            .Alu(BpfAlu.And, R5, ~(GearRecord.Alignment - 1))
            .Move(R1, R9).Negate(R1).Alu(BpfAlu.And, R1, GearRecord.Alignment - 1)
            .Alu(BpfAlu.Add, R5, R1)
            .Label("gear_sized")
            .Store(BpfSize.Double, R10, Size, R5)
            .Load(BpfSize.Word, R1, R7, Made)
            .Load(BpfSize.Word, R2, R7, Seen)
            .Move(R3, R1)
            .Alu32(BpfAlu.Subtract, R3, R2)
            .Alu(BpfAlu.Add, R3, R5)
            .JumpIf(BpfTest.AtMost, R3, _ringBytes, "gear_room")
            .Load(BpfSize.Word, R2, R7, Consumed)
            .Store(BpfSize.Word, R7, Seen, R2)
            .Alu32(BpfAlu.Subtract, R1, R2)
            .Alu(BpfAlu.Add, R1, R5)
            .JumpIf(BpfTest.Above, R1, _ringBytes, "gear_full")
            .Label("gear_room")
            // A record begins below the ring's size and may end beyond it; then the next one is at 0.
            .Alu(BpfAlu.Add, R5, R9)
            .JumpIf(BpfTest.Below, R5, _ringBytes, "gear_no_wrap")
            .Move(R5, 0)
            .Label("gear_no_wrap")
            .Store(BpfSize.Double, R10, Next, R5);
    }

    /// <summary>
    /// Takes the next buffer that the reader has given, if there is one and the frame fits: its number to the stack, else 0. R5 = the
    /// record's size. An entry of the fill list is a buffer's number until it is taken, then 0, and then ours until it is set again. What
    /// is written to the buffer comes after that load because a branch depends on it: pairs with the store-release in
    /// <see cref="GearRxRing.Give"/>.
    /// </summary>
    private static void ChooseBuffer(BpfAssembler code, GearPool pool) => code
        .Store(BpfSize.Double, R10, Buffer, 0)
        .JumpIf(BpfTest.Above, R8, pool.LongestDirect, "gear_packed")
        .Load(BpfSize.Word, R1, R7, Filled)
        .Alu(BpfAlu.And, R1, GearRxRing.MostGiven - 1)
        .Alu(BpfAlu.ShiftLeft, R1, 2)
        .Alu(BpfAlu.Add, R1, R7)
        .Load(BpfSize.Word, R3, R1, Fill)
        .JumpIf(BpfTest.Equal, R3, 0, "gear_packed")
        .JumpIf(BpfTest.AtLeast, R3, pool.BufferCount, "gear_packed")
        .Store(BpfSize.Double, R10, Buffer, R3)
        .Move(R5, GearRecord.PlaceBytes)
        .Jump("gear_sized")
        .Label("gear_packed");

    /// <summary>
    /// Writes the record of a frame that goes into a buffer, takes that from the fill list, and R0 = where the frame goes; to "gear_begin_packed" if
    /// it goes into none. The list's 0 is visible before the record: pairs with the load-acquire in <see cref="GearRxRing.TryPeek"/>.
    /// </summary>
    private static void BeginPlace(BpfAssembler code, GearPool pool) => code
        .Load(BpfSize.Double, R3, R10, Buffer)
        .JumpIf(BpfTest.Equal, R3, 0, "gear_begin_packed")
        .Move(R0, R7).Alu(BpfAlu.Add, R0, R9)
        .Load(BpfSize.Double, R2, R10, Flags).Alu(BpfAlu.Or, R2, R8).Alu(BpfAlu.Or, R2, GearRecord.Place)
        .Store(BpfSize.Word, R0, Records, R2)
        .Store(BpfSize.Word, R0, Records + GearRecord.Header, R3)
        .Load(BpfSize.Word, R2, R7, Filled)
        .Move(R1, R2).Alu(BpfAlu.And, R1, GearRxRing.MostGiven - 1).Alu(BpfAlu.ShiftLeft, R1, 2).Alu(BpfAlu.Add, R1, R7)
        .Store(BpfSize.Word, R1, Fill, 0)
        .Alu(BpfAlu.Add, R2, 1).Store(BpfSize.Word, R7, Filled, R2)
        .Alu(BpfAlu.Multiply, R3, pool.BufferSize)
        .LoadMapValue(R0, pool.Array, pool.Buffers).Alu(BpfAlu.Add, R0, R3)
        .Jump("gear_copy")
        .Label("gear_begin_packed");

    /// <summary>Writes the head of a record that holds its frame, at the beginning of a line; what is left of one before it says so. R0 = where the frame goes.</summary>
    private static void BeginPacked(BpfAssembler code) => code
        .Move(R0, R7).Alu(BpfAlu.Add, R0, R9)
        .Move(R1, R9).Negate(R1).Alu(BpfAlu.And, R1, GearRecord.Alignment - 1)
        .JumpIf(BpfTest.Equal, R1, 0, "gear_aligned")
        .Store(BpfSize.Word, R0, Records, GearRecord.Skip)
        .Alu(BpfAlu.Add, R0, R1)
        .Label("gear_aligned")
        .Load(BpfSize.Double, R2, R10, Flags).Alu(BpfAlu.Or, R2, R8)
        .Store(BpfSize.Word, R0, Records, R2)
        .Alu(BpfAlu.Add, R0, Records + GearRecord.Header)
        .Label("gear_copy");

    /// <summary>Copies the frame to R0. A short one without the helper: 10 ns less of some 80.</summary>
    private static void Copy(BpfAssembler code)
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
            code.Load(BpfSize.Double, R1, R2, i).Store(BpfSize.Double, R0, i, R1);
        code.Alu(BpfAlu.Add, R0, R5);
        for (int i = 0; i < ShortHalf; i += sizeof(ulong))
            code.Load(BpfSize.Double, R1, R4, i).Store(BpfSize.Double, R0, i, R1);
        code.Jump("gear_copied")
            .Label("gear_long")
            .Move(R1, R6).Move(R2, 0).Move(R3, R0).Move(R4, R8).Call(BpfFunc.BPF_FUNC_xdp_load_bytes)
            .JumpIf(BpfTest.NotEqual, R0, 0, "gear_too_long")
            .Label("gear_copied");
    }

    /// <summary>
    /// Moves on. The exchange is a full barrier: the record is visible before Produced (pairs with the load-acquire in
    /// <see cref="GearRxRing.TryPeek"/>), and Produced before Asleep is read (pairs with the fence in
    /// <see cref="GearRxRing.PrepareWait"/>). While the reader watches, it need not be woken, and a store does, which on x86 comes after
    /// those of the record and waits for nothing.
    /// </summary>
    private static void Publish(BpfAssembler code)
    {
        code.Load(BpfSize.Double, R1, R10, Next)
            .Store(BpfSize.Word, R7, Offset, R1)
            .Load(BpfSize.Word, R1, R7, Made)
            .Load(BpfSize.Double, R5, R10, Size)
            .Alu(BpfAlu.Add, R1, R5)
            .Store(BpfSize.Word, R7, Made, R1);
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
