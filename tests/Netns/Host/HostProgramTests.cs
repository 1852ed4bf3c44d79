using System.Runtime.InteropServices;
using Netmap.Bpf;
using Netmap.Interop;

namespace Netmap.Tests.Netns.Host;

/// <summary>The programs at the tcx hooks, on made-up frames.</summary>
public sealed unsafe class HostProgramTests : IDisposable
{
    private const uint Mark = 0x1234567;
    private const int Redirect = 7;
    private readonly BpfMap _counters;
    private readonly BpfRingBuffer _ring;

    public HostProgramTests()
    {
        Privileges.RequireBpf();
        _counters = BpfMap.Create("test", BpfMapSpec.Array(2 * HostEgress.CountersEach * sizeof(ulong)), null);
        _ring = new BpfRingBuffer("test", 1 << 20, null);
    }

    public void Dispose()
    {
        _counters?.Dispose();
        _ring?.Dispose();
    }

    [Theory]
    [InlineData(14)]
    [InlineData(224)]
    [InlineData(225)]
    [InlineData(1514)]
    [InlineData(2016)]
    [InlineData(2017)]
    [InlineData(3000)]
    public void AFrameIsCopiedAndEndsWithSuccess(int length)
    {
        using BpfProgram program = Egress([true], _ring.Map);
        byte[] frame = KernelHostTests.Data(length);
        Assert.Equal(Redirect, BpfTestRun.Run(program, frame).Verdict);
        byte* record = _ring.Peek();
        Assert.True(record != null);
        Assert.Equal((uint)length, ((HostFrameRecord*)record)->Length);
        Assert.Equal(0u, ((HostFrameRecord*)record)->SegmentSize);
        Assert.Equal(frame, new ReadOnlySpan<byte>(record + HostFrameRecord.Size, length).ToArray());
        _ring.Release();
        Assert.True(_ring.Peek() == null);
    }

    [Fact]
    public void AFullRingTellsTheSenderAndCounts()
    {
        using BpfProgram program = Egress([true], _ring.Map);
        int taken = 0;
        while (BpfTestRun.Run(program, new byte[1514]).Verdict == Redirect)
            taken++;
        Assert.Equal((1 << 20) / (2048 + LinuxBpf.BPF_RINGBUF_HDR_SZ), taken);
        Assert.Equal(LinuxBpf.TCX_DROP, BpfTestRun.Run(program, new byte[1514]).Verdict);
        Assert.Equal(2ul, Counter(0, HostEgress.RingFull));
    }

    [Fact]
    public void WithNobodyAtTheRingAFrameEndsAndIsCounted()
    {
        using BpfProgram program = Egress([true], (BpfMap?)null);
        Assert.Equal(Redirect, BpfTestRun.Run(program, new byte[60]).Verdict);
        Assert.Equal(1ul, Counter(0, HostEgress.Unread));
    }

    [Fact]
    public void FramesOfRingsThatAreOffStayTheHosts()
    {
        using BpfProgram none = Egress([false, false], _ring.Map, null);
        Assert.Equal(LinuxBpf.TCX_NEXT, BpfTestRun.Run(none, new byte[60]).Verdict);
        // A frame is of one of the two rings, whichever.
        using BpfProgram first = Egress([true, false], _ring.Map, null);
        using BpfProgram second = Egress([false, true], _ring.Map, null);
        int[] verdicts = [BpfTestRun.Run(first, new byte[60]).Verdict, BpfTestRun.Run(second, new byte[60]).Verdict];
        Assert.Equal([LinuxBpf.TCX_NEXT, Redirect], verdicts.Order());
    }

    [Fact]
    public void MarkedFramesTurnRoundAndTheCaptureLetsThemPass()
    {
        __sk_buff marked = new() { mark = Mark };
        byte[] context = MemoryMarshal.AsBytes(new ReadOnlySpan<__sk_buff>(in marked)).ToArray();
        using BpfProgram egress = Egress([true], _ring.Map);
        Assert.Equal(Redirect, BpfTestRun.Run(egress, new byte[60], context: context).Verdict);
        Assert.True(_ring.Peek() == null);
        foreach ((bool[] rings, int verdict) in new (bool[], int)[] { ([true], LinuxBpf.TCX_DROP), ([false], LinuxBpf.TCX_NEXT), ([], LinuxBpf.TCX_NEXT) })
        {
            using BpfProgram capture = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, HostCapture.Assemble(rings, Mark), "test", null);
            Assert.Equal(LinuxBpf.TCX_NEXT, BpfTestRun.Run(capture, new byte[60], context: context).Verdict);
            Assert.Equal(verdict, BpfTestRun.Run(capture, new byte[60]).Verdict);
        }
    }

    /// <summary>Where an XDP program is behind the driver: what the egress program puts before a frame, that one takes off.</summary>
    [Fact]
    public void APrefixLeadsPastAnXdpProgramBehindTheDriverAndNothingElseDoes()
    {
        HostPrefix prefix = HostPrefix.Random();
        __sk_buff marked = new() { mark = Mark };
        byte[] context = MemoryMarshal.AsBytes(new ReadOnlySpan<__sk_buff>(in marked)).ToArray();
        byte[] frame = KernelHostTests.Data(200);
        byte[] turned = new byte[HostPrefix.Size + frame.Length];
        using BpfProgram egress = Load(HostEgress.Assemble(1, Mark, _counters, new([true], [_ring.Map], prefix), SkbPlaces.TryGet(out _)));
        Assert.Equal((Redirect, turned.Length), Outcome(BpfTestRun.Run(egress, frame, turned, context)));
        Assert.Equal(frame, turned[HostPrefix.Size..]);
        using BpfMap sockets = BpfMap.Create("test", BpfMapSpec.XdpSockets(1), null);
        using BpfProgram xdp = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, XdpProgram.Assemble(sockets, new(null, null, prefix)), "test", null);
        byte[] passed = new byte[turned.Length];
        Assert.Equal((LinuxBpf.XDP_PASS, frame.Length), Outcome(BpfTestRun.Run(xdp, turned, passed)));
        Assert.Equal(frame, passed[..frame.Length]);
        for (int i = 0; i < HostPrefix.Size; i++)
        {
            byte[] other = [.. turned];
            other[i] ^= 1;
            Assert.Equal(turned.Length, BpfTestRun.Run(xdp, other, passed).Length);
        }
        Assert.Equal(14, BpfTestRun.Run(xdp, turned[..14], passed).Length);

        static (int, int) Outcome(BpfVerdict verdict) => (verdict.Verdict, verdict.Length);
    }

    /// <summary>A frame of these has nothing left to do; where its IP header is the kernel says all the same.</summary>
    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, HostFrameRecord.NotSeen)]
    public void TheRecordSaysHowItIsWithTheChecksum(bool sees, byte expected)
    {
        SkbPlaces? places = sees ? SkbPlaces.TryGet(out _) : null;
        Assert.Equal(sees, places is not null);
        using BpfProgram program = Load(HostEgress.Assemble(1, Mark, _counters, new([true], [_ring.Map]), places));
        Assert.Equal(Redirect, BpfTestRun.Run(program, KernelHostTests.Data(60)).Verdict);
        HostFrameRecord record = *(HostFrameRecord*)_ring.Peek();
        Assert.Equal((expected, 0, 0), (record.Checksum, record.IsTunnelled, record.IsRemote));
        Assert.True(!sees || record.Network == LinuxIfEther.ETH_HLEN);
    }

    private static BpfProgram Load(bpf_insn[] code) => BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, code, "test", null);

    private BpfProgram Egress(bool[] nicTx, params BpfMap?[] hostRx) => Load(HostEgress.Assemble(1, Mark, _counters, new(nicTx, hostRx), SkbPlaces.TryGet(out _)));

    private ulong Counter(int ring, int counter)
    {
        using BpfMapping counts = _counters.Map(0, 2 * HostEgress.CountersEach * sizeof(ulong), writable: false);
        return ((ulong*)counts.Address)[(ring * HostEgress.CountersEach) + counter];
    }
}
