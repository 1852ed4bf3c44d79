using System.Runtime.InteropServices;
using Netmap.Bpf;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Tests.Netns.Bpf;

/// <summary>The assembler and its owners against the kernel: programs are verified, run on made-up frames, and measured.</summary>
public sealed class BpfTests
{
    private static readonly byte[] s_frame = new byte[60];

    public BpfTests() => Privileges.RequireBpf();

    /// <summary>Each operation gives the value the instruction set's description says.</summary>
    [Theory]
    [InlineData(BpfAluCase.Arithmetic, 43)]
    [InlineData(BpfAluCase.Wide, 0x12345678)]
    [InlineData(BpfAluCase.BigEndian, 0x3412)]
    [InlineData(BpfAluCase.SignedShift, -2)]
    [InlineData(BpfAluCase.Word, 1)]
    [InlineData(BpfAluCase.Stack, 7)]
    [InlineData(BpfAluCase.Negate, -5)]
    public void Computes(BpfAluCase which, int expected)
    {
        BpfAssembler code = new();
        _ = which switch
        {
            BpfAluCase.Arithmetic => code.Move(R1, 6).Move(R0, 7).Alu(BpfAlu.Multiply, R0, R1).Alu(BpfAlu.Add, R0, 1),
            BpfAluCase.Wide => code.Move64(R0, 0x1234_5678_9abc_def0).Alu(BpfAlu.ShiftRight, R0, 32),
            BpfAluCase.BigEndian => code.Move(R0, 0x1234).BigEndian(R0, 16),
            BpfAluCase.SignedShift => code.Move(R0, -8).Alu(BpfAlu.ShiftRightSigned, R0, 2),
            BpfAluCase.Word => code.Move(R0, -1).Alu32(BpfAlu.Add, R0, 2),
            BpfAluCase.Stack => code.Store(BpfSize.Double, R10, -8, 7).Load(BpfSize.Double, R0, R10, -8),
            BpfAluCase.Negate => code.Move(R0, 5).Negate(R0),
            _ => throw new ArgumentOutOfRangeException(nameof(which)),
        };
        using BpfProgram program = Load(code.Exit());
        Assert.Equal(expected, BpfTestRun.Run(program, s_frame).Verdict);
    }

    public enum BpfAluCase
    {
        Arithmetic,
        Wide,
        BigEndian,
        SignedShift,
        Word,
        Stack,
        Negate,
    }

    [Theory]
    [InlineData(0x0800, LinuxBpf.XDP_PASS)]
    [InlineData(0x0806, LinuxBpf.XDP_DROP)]
    [InlineData(0x86dd, LinuxBpf.XDP_DROP)]
    public void AProgramReadsAFrameAndJumps(int etherType, int verdict)
    {
        byte[] frame = new byte[60];
        (frame[12], frame[13]) = ((byte)(etherType >> 8), (byte)etherType);
        BpfAssembler code = new BpfAssembler()
            .Load(BpfSize.Word, R2, R1, Offset(nameof(xdp_md.data_end)))
            .Load(BpfSize.Word, R1, R1, Offset(nameof(xdp_md.data)))
            .Move(R3, R1).Alu(BpfAlu.Add, R3, 14)
            .JumpIf(BpfTest.Above, R3, R2, "drop")
            .Load(BpfSize.Half, R4, R1, 12).BigEndian(R4, 16)
            .JumpIf(BpfTest.NotEqual, R4, 0x0800, "drop")
            .Exit(LinuxBpf.XDP_PASS)
            .Label("drop")
            .Exit(LinuxBpf.XDP_DROP);
        using BpfProgram program = Load(code);
        Assert.Equal(verdict, BpfTestRun.Run(program, frame).Verdict);
    }

    [Fact]
    public void AMappedArrayIsSharedWithThePrograms()
    {
        using BpfMap map = BpfMap.Create("counter", BpfMapSpec.Array(64), null);
        using BpfMapping mapping = map.Map(0, 4096, writable: true);
        BpfAssembler code = new BpfAssembler()
            .LoadMapValue(R1, map, 8)
            .Move(R0, 3)
            .Atomic(BpfAtomic.FetchAdd, BpfSize.Double, R1, 0, R0)
            .Exit();
        using BpfProgram program = Load(code);
        unsafe
        {
            ((ulong*)mapping.Address)[1] = 100;
            Assert.Equal(121, BpfTestRun.Run(program, s_frame, repeat: 8).Verdict);
            Assert.Equal(124UL, ((ulong*)mapping.Address)[1]);
        }
    }

    [Fact]
    public void CompareExchangeStoresOnlyOverWhatItExpects()
    {
        using BpfMap map = BpfMap.Create("cell", BpfMapSpec.Array(8), null);
        BpfAssembler code = new BpfAssembler()
            .LoadMapValue(R1, map)
            .Move(R0, 0).Move(R2, 9).Atomic(BpfAtomic.CompareExchange, BpfSize.Double, R1, 0, R2)
            .Move(R0, 0).Move(R2, 5).Atomic(BpfAtomic.CompareExchange, BpfSize.Double, R1, 0, R2)
            .Exit();
        using BpfProgram program = Load(code);
        Assert.Equal(9, BpfTestRun.Run(program, s_frame).Verdict);
        Assert.Equal(Errno.Success, map.Lookup(0, out ulong value));
        Assert.Equal(9UL, value);
    }

    [Fact]
    public void AHelperFindsWhatWasPutIntoAMap()
    {
        using BpfMap map = BpfMap.Create("table", new BpfMapSpec(LinuxBpf.BPF_MAP_TYPE_HASH, 4, 4, 8), null);
        Assert.Equal(Errno.Success, map.Update(77u, 1234));
        BpfAssembler code = new BpfAssembler()
            .Store(BpfSize.Word, R10, -4, 77)
            .LoadMap(R1, map).Move(R2, R10).Alu(BpfAlu.Add, R2, -4)
            .Call(BpfFunc.BPF_FUNC_map_lookup_elem)
            .JumpIf(BpfTest.Equal, R0, 0, "none")
            .Load(BpfSize.Word, R0, R0, 0)
            .Label("none")
            .Exit();
        using BpfProgram program = Load(code);
        Assert.Equal(1234, BpfTestRun.Run(program, s_frame).Verdict);
        Assert.Equal(Errno.Success, map.Delete(77));
        Assert.Equal(0, BpfTestRun.Run(program, s_frame).Verdict);
        Assert.Equal(Errno.ENOENT, map.Delete(77));
    }

    [Fact]
    public void EveryKindOfMapCanBeMade()
    {
        foreach (BpfMapSpec spec in (BpfMapSpec[])[BpfMapSpec.Array(1 << 20), BpfMapSpec.XdpSockets(4), BpfMapSpec.Interfaces(2), BpfMapSpec.RingBuffer(1 << 16)])
            BpfMap.Create("any", spec, null).Dispose();
    }

    [Fact]
    public void TheVerifiersReasonIsInTheError()
    {
        NetmapException refused = Assert.Throws<NetmapException>(() => Load(new BpfAssembler().Load(BpfSize.Word, R0, R5, 0).Exit()));
        Assert.Equal("EACCES", refused.ErrorName);
        Assert.Contains("R5 !read_ok", refused.Message);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public void AMapNobodyCanMakeSaysWhichItWas()
    {
        NetmapException refused = Assert.Throws<NetmapException>(() => BpfMap.Create("odd", BpfMapSpec.RingBuffer(12345), "p0"));
        Assert.Contains("odd", refused.Message);
        Assert.Contains("p0", refused.Message);
    }

    [Fact]
    public void AProgramKnowsItsNumberAndName()
    {
        using BpfProgram program = Load(new BpfAssembler().Exit(LinuxBpf.XDP_PASS));
        Assert.True(BpfProgramInfo.TryFind(program.Id, out BpfProgramInfo info));
        Assert.Equal(("netmap_test", LinuxBpf.BPF_PROG_TYPE_XDP), (info.Name, info.Type));
    }

    [Fact]
    public void MistakesInASourceAreFoundWhenItIsAssembled()
    {
        Assert.Throws<InvalidOperationException>(() => new BpfAssembler().Jump("nowhere").Exit().Instructions);
        Assert.Throws<InvalidOperationException>(() => new BpfAssembler().Label("here").Label("here"));
    }

    private static int Offset(string field) => (int)Marshal.OffsetOf<xdp_md>(field);

    private static BpfProgram Load(BpfAssembler code) =>
        BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, code.Instructions, "netmap_test", null);
}
