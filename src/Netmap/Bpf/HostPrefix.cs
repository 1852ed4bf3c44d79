using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Bpf;

/// <summary>
/// Stands before frames that turn round to the host where an XDP program behind the driver would take them: the kernel runs it
/// on every skb that arrives, and shows it nothing of one but its bytes. The egress program puts the prefix there, the XDP program
/// takes it off and lets the frame pass. Random, so that nothing from the wire begins so; an Ethernet header of an experimental
/// type, so that the stack drops a frame whose XDP program went in between.
/// </summary>
internal sealed class HostPrefix
{
    public const int Size = 16;
    private const int EtherType = 12;
    private const string Other = "no_prefix";

    private readonly ulong _first;
    private readonly ulong _second;

    private HostPrefix(ReadOnlySpan<byte> bytes) =>
        (_first, _second) = (MemoryMarshal.Read<ulong>(bytes), MemoryMarshal.Read<ulong>(bytes[sizeof(ulong)..]));

    /// <summary>One that nothing else has.</summary>
    public static HostPrefix Random()
    {
        Span<byte> bytes = stackalloc byte[Size];
        System.Random.Shared.NextBytes(bytes);
        // The frame itself decides whether it is for one, some or all; a group address here would count as multicast.
        bytes[0] &= 0xfe;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[EtherType..], LinuxIfEther.ETH_P_802_EX1);
        return new(bytes);
    }

    /// <summary>In a tcx program, context in R6: puts it before the frame. Goes to <paramref name="failed"/> without memory.</summary>
    public void Put(BpfAssembler code, string failed) => code
        .Move(R1, R6).Move(R2, Size).Move(R3, 0)
        .Call(BpfFunc.BPF_FUNC_skb_change_head)
        .JumpIf(BpfTest.NotEqual, R0, 0, failed)
        .Move64(R1, _first).Store(BpfSize.Double, R10, -Size, R1)
        .Move64(R1, _second).Store(BpfSize.Double, R10, -Size + sizeof(ulong), R1)
        .Move(R1, R6).Move(R2, 0).Move(R3, R10).Alu(BpfAlu.Add, R3, -Size).Move(R4, Size).Move(R5, 0)
        .Call(BpfFunc.BPF_FUNC_skb_store_bytes)
        .JumpIf(BpfTest.NotEqual, R0, 0, failed);

    /// <summary>In an XDP program, context in R6: a frame that has it goes on to the host without it. R0–R5 are lost.</summary>
    public void LetPass(BpfAssembler code) => code
        .Load(BpfSize.Word, R2, R6, Offset(nameof(xdp_md.data)))
        .Load(BpfSize.Word, R3, R6, Offset(nameof(xdp_md.data_end)))
        .Move(R1, R2).Alu(BpfAlu.Add, R1, Size)
        .JumpIf(BpfTest.Above, R1, R3, Other)
        .Load(BpfSize.Double, R1, R2, 0).Move64(R3, _first).JumpIf(BpfTest.NotEqual, R1, R3, Other)
        .Load(BpfSize.Double, R1, R2, sizeof(ulong)).Move64(R3, _second).JumpIf(BpfTest.NotEqual, R1, R3, Other)
        .Move(R1, R6).Move(R2, Size)
        .Call(BpfFunc.BPF_FUNC_xdp_adjust_head)
        .Exit(LinuxBpf.XDP_PASS)
        .Label(Other);

    private static int Offset(string field) => (int)Marshal.OffsetOf<xdp_md>(field);
}
