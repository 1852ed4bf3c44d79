using System.Buffers.Binary;
using Netmap.Bpf;
using Netmap.Bpf.Filters;
using Netmap.Interop;
using static Netmap.Bpf.BpfRegister;

namespace Netmap.Tests.Netns.Filters;

/// <summary>One filter in each of its translations, loaded into the kernel, to be run on made-up frames.</summary>
internal sealed unsafe class FilterBench : IDisposable
{
    private const uint Mark = 0x7654321;
    private const uint HardwareTag = 0x8100_2005;

    private readonly FrameFilter _filter;
    private readonly sock_filter[] _socketFilter;
    private readonly BpfMap _sockets = BpfMap.Create("test", BpfMapSpec.XdpSockets(1), null);
    private readonly BpfProgram _xdp;
    private readonly BpfProgram _pieces;
    private readonly BpfProgram _tcx;
    private readonly BpfProgram _tagged;
    private readonly SafeDescriptor _sender;
    private readonly SafeDescriptor _receiver;

    public FilterBench(FrameFilter filter)
    {
        _filter = filter;
        _socketFilter = SocketFilter.Assemble(Mark, filter, "test");
        XdpParts parts = new(filter, (code, _, _) => code.Move(R0, LinuxBpf.XDP_TX).JumpIf(BpfTest.Equal, R0, 0, "on").Exit().Label("on"));
        _xdp = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, XdpProgram.Assemble(_sockets, parts), "test", null);
        _pieces = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_XDP, XdpProgram.Assemble(_sockets, parts, frags: true), "test", null, LinuxBpf.BPF_F_XDP_HAS_FRAGS);
        bpf_insn[] capture = HostCapture.Assemble([true], Mark, filter);
        _tcx = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, capture, "test", null);
        bpf_insn[] push = new BpfAssembler().Move(R6, R1).Move(R2, 0x0081).Move(R3, (int)(HardwareTag & 0xffff))
            .Call(BpfFunc.BPF_FUNC_skb_vlan_push).Move(R1, R6).Instructions;
        _tagged = BpfProgram.Load(LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, [.. push, .. capture], "test", null);
        int* ends = stackalloc int[2];
        Assert.False(SysSocket.socketpair(SysSocket.AF_UNIX, SysSocket.SOCK_DGRAM | SysSocket.SOCK_CLOEXEC, 0, ends).IsError);
        (_sender, _receiver) = (new(ends[0]), new(ends[1]));
        fixed (sock_filter* code = _socketFilter)
        {
            sock_fprog program = new() { len = (ushort)_socketFilter.Length, filter = code };
            Assert.Equal(Errno.Success, SysSocket.setsockopt(_receiver.Fd, SysSocket.SOL_SOCKET, AsmSocket.SO_ATTACH_FILTER, &program, (uint)sizeof(sock_fprog)).Errno);
        }
    }

    /// <summary>The verdict of every translation, which is the same; with a tag beside the frame too, where it is what a tag in the frame gives.</summary>
    public bool Matches(byte[] frame)
    {
        bool expected = new ClassicMachine(_filter.Instructions.ToArray()).Run(frame) != 0;
        Assert.Equal(expected, new ClassicMachine(_socketFilter).Run(frame) != 0);
        Assert.Equal(0u, new ClassicMachine(_socketFilter) { Mark = Mark }.Run(frame));
        Assert.Equal(expected, KernelLetsThrough(frame));
        // Test runs want a header.
        if (frame.Length < 14)
            return expected;
        Assert.Equal(expected ? LinuxBpf.XDP_TX : LinuxBpf.XDP_PASS, BpfTestRun.Run(_xdp, frame).Verdict);
        Assert.Equal(expected ? LinuxBpf.XDP_TX : LinuxBpf.XDP_PASS, BpfTestRun.Run(_pieces, frame).Verdict);
        // Nor does it make an skb without the network header that the type says.
        if (frame.Length >= (frame[12] == 0x08 && frame[13] == 0 ? 34 : frame[12] == 0x86 && frame[13] == 0xdd ? 54 : 15))
            Assert.Equal(expected ? LinuxBpf.TCX_DROP : LinuxBpf.TCX_NEXT, BpfTestRun.Run(_tcx, frame).Verdict);
        return expected;
    }

    /// <summary>
    /// The same for a frame whose tag lies beside it. A word at run-time places across the tag's border is the one thing
    /// that is not read there, so that the measure is the translation for sockets.
    /// </summary>
    /// <returns>What the filter would say to the whole frame.</returns>
    public bool MatchesTagged(byte[] frame, out bool whole)
    {
        whole = new ClassicMachine(_filter.Instructions.ToArray()).Run(Tagged(frame)) != 0;
        bool expected = new ClassicMachine(_socketFilter) { Tag = HardwareTag }.Run(frame) != 0;
        Assert.Equal(expected ? LinuxBpf.TCX_DROP : LinuxBpf.TCX_NEXT, BpfTestRun.Run(_tagged, frame).Verdict);
        return expected;
    }

    public static byte[] Tagged(byte[] frame)
    {
        byte[] tag = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(tag, HardwareTag);
        return [.. frame[..12], .. tag, .. frame[12..]];
    }

    public void Dispose()
    {
        foreach (IDisposable one in (IDisposable[])[_xdp, _pieces, _tcx, _tagged, _sockets, _sender, _receiver])
            one.Dispose();
    }

    /// <summary>A datagram of a Unix socket goes through the same code as a frame of a packet socket.</summary>
    private bool KernelLetsThrough(byte[] frame)
    {
        byte* room = stackalloc byte[64];
        fixed (byte* bytes = frame)
            SysSocket.send(_sender.Fd, bytes, (nuint)frame.Length, SysSocket.MSG_DONTWAIT);
        return !SysSocket.recv(_receiver.Fd, room, 64, SysSocket.MSG_DONTWAIT).IsError;
    }
}
