using System.Runtime.InteropServices;
using Netmap.Bpf;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>
/// The fast way out: one BPF_PROG_TEST_RUN on live frames sends a whole batch without building an skb. Frames lie packed in
/// a mapped array, or in netmap's buffers if these are in one; each repetition of the program copies the next one into a fresh
/// page and redirects it to the interface.
/// <para>
/// The program must be the one that is attached to the interface. The kernel keeps attached programs in a table of direct
/// calls (the BPF dispatcher); one that is not there is put in before each run and taken out after it, and each of these
/// waits for an RCU grace period, 24 ms together. A program that is there already costs 10 microseconds a run. So runs are
/// short, stay on the caller's thread, and nothing is left running when it dies.
/// </para>
/// </summary>
internal sealed class GearTx : IDisposable
{
    /// <summary>
    /// Longest frame: a page less the kernel's heads and tails (some 690 bytes) holds it, with room to spare.
    /// </summary>
    public const int LongestFrame = 3072;

    /// <summary>
    /// Runs start from frames of this many bytes plus the ring's number: the only thing about a run that its frames keep
    /// whatever happens to their bytes. Cutting a frame is free; lengthening one has the kernel clear what is added.
    /// </summary>
    private const int StartLength = 1536;

    /// <summary>A ring's area: a line of control words, then the records.</summary>
    private const int Records = 64;

    /// <summary>
    /// Frames begin 368 bytes into their page (in 6.18); so many more, and they begin a cache line: 9 percent more frames of 1514 bytes.
    /// </summary>
    private const int ToLine = 16;

    /// <summary>On the program's stack: the frame's length, and the first word of its record.</summary>
    private const int Length = -8;
    private const int First = -16;

    /// <summary>Index of the loopback in every namespace: live frames name it as their source unless told otherwise.</summary>
    private const int Loopback = 1;

    private const int LargestArea = 1 << 20;
    private const int SmallestArea = 64 << 10;
    private const int AllAreas = 16 << 20;

    private readonly GearPool? _pool;
    private readonly BpfMap _records;
    private readonly BpfMap _interface;
    private readonly BpfMapping _mapping;
    private readonly int _area;
    private readonly GearTxRing[] _rings;

    /// <summary>Makes room for <paramref name="rings"/> transmit rings, in the interface's namespace.</summary>
    /// <exception cref="NetmapException">EPERM, ENOMEM.</exception>
    public GearTx(int rings, GearPool? pool, int interfaceIndex, string port)
    {
        _pool = pool;
        _area = Math.Clamp(AllAreas / rings, SmallestArea, LargestArea) & ~(GearRecord.Alignment - 1);
        int stride = Stride;
        _records = BpfMap.Create("netmap_tx", BpfMapSpec.Array(rings * stride), port);
        _interface = BpfMap.Create("netmap_port", BpfMapSpec.Interfaces(1), port);
        Errno named = _interface.Update(0, interfaceIndex);
        if (named != Errno.Success)
        {
            _interface.Dispose();
            _records.Dispose();
            throw new NetmapException(named, "open", port, "the kernel refused the interface as a target for redirects");
        }
        _mapping = _records.Map(0, (nuint)(rings * stride), writable: true);
        _rings = [.. Enumerable.Range(0, rings).Select(i => MakeRing(i, stride))];
    }

    /// <summary>The program its rings run: the one attached now.</summary>
    public BpfProgram? Program
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>The map that frames are redirected through.</summary>
    public BpfMap Interface => _interface;

    private int Stride => Records + _area + GearRecord.BytesOf(LongestFrame);

    public GearTxRing Ring(int index) => _rings[index];

    /// <summary>
    /// Adds the transmit part: frames of a run are sent and the program ends; frames that came from the wire go on after
    /// this part. Expects the context in R6; R0–R5 and R7–R9 are lost.
    /// </summary>
    public void Emit(BpfAssembler code)
    {
        code.Load(BpfSize.Word, R0, R6, Offset(nameof(xdp_md.ingress_ifindex)))
            // No frame from the wire can come from the loopback: this program is not attached to it.
            .JumpIf(BpfTest.NotEqual, R0, Loopback, "gear_received");
        FindRecord(code);
        CopyFrame(code);
        code.LoadMap(R1, _interface).Move(R2, 0).Move(R3, LinuxBpf.XDP_DROP).Call(BpfFunc.BPF_FUNC_redirect_map)
            // The interface is gone from the map: the record stays, and the caller sees that nothing moves.
            .JumpIf(BpfTest.NotEqual, R0, LinuxBpf.XDP_REDIRECT, "gear_drop");
        Advance(code, "");
        code.Exit()
            .Label("gear_refused")
            .Load(BpfSize.Word, R1, R7, Word(GearTxRing.Refused)).Alu(BpfAlu.Add, R1, 1).Store(BpfSize.Word, R7, Word(GearTxRing.Refused), R1);
        Advance(code, "_refused");
        code.Label("gear_drop").Exit(LinuxBpf.XDP_DROP)
            .Label("gear_received");
    }

    public void Dispose()
    {
        _mapping.Dispose();
        _interface.Dispose();
        _records.Dispose();
    }

    private static int Word(int index) => index * sizeof(uint);

    private static int Offset(string field) => (int)Marshal.OffsetOf<xdp_md>(field);

    private unsafe GearTxRing MakeRing(int index, int stride)
    {
        byte* area = _mapping.Address + (index * stride);
        return new(this, _pool, (uint*)area, area + Records, _area, StartLength + index);
    }

    /// <summary>
    /// R7 = the ring's area, R8 = offset of the record, R9 = area plus that offset, R4 and the stack = frame's length; below it on
    /// the stack the record's first word.
    /// </summary>
    private void FindRecord(BpfAssembler code) => code
        .Load(BpfSize.Word, R8, R6, Offset(nameof(xdp_md.data_end)))
        .Load(BpfSize.Word, R1, R6, Offset(nameof(xdp_md.data)))
        .Alu(BpfAlu.Subtract, R8, R1)
        .Move(R5, R8)
        .Alu(BpfAlu.Subtract, R8, StartLength)
        .JumpIf(BpfTest.Above, R8, _rings.Length - 1, "gear_drop")
        .Alu(BpfAlu.Multiply, R8, Stride)
        .LoadMapValue(R7, _records)
        .Alu(BpfAlu.Add, R7, R8)
        .Load(BpfSize.Word, R8, R7, Word(GearTxRing.Next))
        .Load(BpfSize.Word, R1, R7, Word(GearTxRing.End))
        .JumpIf(BpfTest.AtLeast, R8, R1, "gear_drop")
        .JumpIf(BpfTest.Above, R8, _area, "gear_drop")
        .Move(R9, R7).Alu(BpfAlu.Add, R9, R8)
        .Load(BpfSize.Word, R4, R9, Records)
        .Store(BpfSize.Double, R10, First, R4)
        .Alu(BpfAlu.And, R4, GearRecord.Length)
        .JumpIf(BpfTest.Below, R4, LinuxIfEther.ETH_HLEN, "gear_drop")
        .JumpIf(BpfTest.Above, R4, LongestFrame, "gear_drop")
        .Store(BpfSize.Double, R10, Length, R4);

    /// <summary>Gives the frame (R5 bytes long) the record's length and bytes, or those at the place that it names.</summary>
    private void CopyFrame(BpfAssembler code)
    {
        if (_pool is not null)
            code.Load(BpfSize.Double, R1, R10, First)
                .JumpIf(BpfTest.AtMost, R1, LongestFrame, "gear_short")
                .Move(R1, R6).Move(R2, ToLine).Call(BpfFunc.BPF_FUNC_xdp_adjust_head)
                .JumpIf(BpfTest.NotEqual, R0, 0, "gear_refused")
                .Load(BpfSize.Word, R5, R6, Offset(nameof(xdp_md.data_end)))
                .Load(BpfSize.Word, R1, R6, Offset(nameof(xdp_md.data)))
                .Alu(BpfAlu.Subtract, R5, R1)
                .Load(BpfSize.Double, R4, R10, Length)
                .Label("gear_short");
        code.Move(R1, R6).Move(R2, R4).Alu(BpfAlu.Subtract, R2, R5).Call(BpfFunc.BPF_FUNC_xdp_adjust_tail)
            .JumpIf(BpfTest.NotEqual, R0, 0, "gear_refused")
            .Move(R3, R9).Alu(BpfAlu.Add, R3, Records + GearRecord.Header);
        if (_pool is not null)
            code.Load(BpfSize.Double, R1, R10, First)
                .JumpIf(BpfTest.AtMost, R1, LongestFrame, "gear_here")
                .Load(BpfSize.Word, R1, R9, Records + GearRecord.Header)
                .JumpIf(BpfTest.Above, R1, _pool.Last, "gear_refused")
                .LoadMapValue(R3, _pool.Array).Alu(BpfAlu.Add, R3, R1)
                .Label("gear_here");
        code.Move(R1, R6).Move(R2, 0)
            .Load(BpfSize.Double, R4, R10, Length).Call(BpfFunc.BPF_FUNC_xdp_store_bytes)
            .JumpIf(BpfTest.NotEqual, R0, 0, "gear_refused");
    }

    /// <summary>
    /// The record is done; one that names a place is eight bytes. No ordering needed: who reads these words is the thread that runs the program, after the run.
    /// </summary>
    private static void Advance(BpfAssembler code, string suffix) => code
        .Load(BpfSize.Double, R1, R10, First)
        .JumpIf(BpfTest.AtMost, R1, LongestFrame, "gear_packed" + suffix)
        .Move(R1, GearRecord.PlaceBytes)
        .Jump("gear_next" + suffix)
        .Label("gear_packed" + suffix)
        .Alu(BpfAlu.Add, R1, GearRecord.Header + GearRecord.Alignment - 1)
        .Alu(BpfAlu.And, R1, ~(GearRecord.Alignment - 1))
        .Label("gear_next" + suffix)
        .Alu(BpfAlu.Add, R8, R1)
        .Store(BpfSize.Word, R7, Word(GearTxRing.Next), R8)
        .Load(BpfSize.Word, R1, R7, Word(GearTxRing.Done)).Alu(BpfAlu.Add, R1, 1).Store(BpfSize.Word, R7, Word(GearTxRing.Done), R1);
}
