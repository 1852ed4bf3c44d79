using System.Globalization;
using Netmap.Bpf;
using Netmap.Interop;
using Netmap.Tests.Netns.Native;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Bpf;

/// <summary>Programs that take frames from the host stop as soon as their process is gone, whatever becomes of their links.</summary>
public sealed class LifelineTests
{
    private const int Redirect = 7;

    /// <summary>Runs a program under a seccomp filter: socket(AF_XDP, …) gives EAFNOSUPPORT, as in a kernel without them.</summary>
    private const string WithoutXdpSockets = """
        import ctypes, errno, os, platform, struct, sys
        LOAD, UNLESS, RETURN = 0x20, 0x15, 0x06
        call = 41 if platform.machine() == 'x86_64' else 198
        code = [(LOAD, 0, 0, 0), (UNLESS, 0, 3, call), (LOAD, 0, 0, 16), (UNLESS, 0, 1, 44),
                (RETURN, 0, 0, 0x50000 | errno.EAFNOSUPPORT), (RETURN, 0, 0, 0x7fff0000)]
        text = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *one) for one in code))
        program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(code), ctypes.addressof(text)))
        prctl = ctypes.CDLL(None).prctl
        if prctl(38, 1, 0, 0, 0) or prctl(22, 2, program, 0, 0):
            sys.exit('the kernel refused the filter')
        os.execvp(sys.argv[1], sys.argv[1:])
        """;

    private static readonly byte[] s_frame = new byte[60];

    public LifelineTests() => Privileges.RequireBpf();

    [Fact]
    public void FramesOfAnInterfaceGoToTheHost()
    {
        using Lifeline lifeline = Lifeline.TryStart(out _)!;
        using BpfMap sockets = BpfMap.Create("test", BpfMapSpec.XdpSockets(1), null);
        XdpParts parts = new(null, (code, _, _) => code.Exit(LinuxBpf.XDP_DROP), Lifeline: lifeline);
        Check(lifeline, LinuxBpf.BPF_PROG_TYPE_XDP, XdpProgram.Assemble(sockets, parts), LinuxBpf.XDP_DROP, LinuxBpf.XDP_PASS);
    }

    [Fact]
    public void FramesBehindPacketSocketsGoToTheHost()
    {
        using Lifeline lifeline = Lifeline.TryStart(out _)!;
        Check(lifeline, LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, HostCapture.Assemble([true], lifeline: lifeline), LinuxBpf.TCX_DROP, LinuxBpf.TCX_NEXT);
    }

    [Fact]
    public void FramesOfTheHostGoToTheWire()
    {
        using Lifeline lifeline = Lifeline.TryStart(out _)!;
        using BpfMap counters = BpfMap.Create("test", BpfMapSpec.Array(HostEgress.CountersEach * sizeof(ulong)), null);
        bpf_insn[] code = HostEgress.Assemble(1, 0x1234567, counters, new([true], [null]), null, lifeline);
        Check(lifeline, LinuxBpf.BPF_PROG_TYPE_SCHED_CLS, code, Redirect, LinuxBpf.TCX_NEXT);
    }

    /// <summary>A dying process lets go of its descriptors from the highest number down, and waits long at others.</summary>
    [Theory]
    [InlineData(AdapterMode.Native)]
    [InlineData(AdapterMode.Generic)]
    public void TheyAreTheFirstThingsADyingProcessLetsGoOf(AdapterMode mode)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = mode });
        using NetmapPort nic = lab.OpenLeft();
        using NetmapPort host = lab.OpenLeft("^");
        Dictionary<int, string> files = Directory.GetFiles("/proc/self/fd")
            .ToDictionary(file => int.Parse(Path.GetFileName(file), CultureInfo.InvariantCulture), file => new FileInfo(file).LinkTarget ?? "");
        int[] highest = [.. files.Keys.Where(number => number >= 768)];
        // What takes from the interface, and what takes from the host.
        Assert.InRange(highest.Length, 2, 3);
        Assert.All(highest, number => Assert.StartsWith("socket:", files[number]));
    }

    /// <summary>What takes from the host, from an interface behind packet sockets, and from either with a filter, whose host stays alone.</summary>
    [Theory]
    [InlineData("--admode native")]
    [InlineData("--admode generic")]
    [InlineData("--admode generic --filter udp")]
    [InlineData("--admode native --gear fast --filter udp")]
    public void APortSaysThatOthersAreLetGoOfBefore(string options)
    {
        const string Said = "; after a kill the host gets its traffic back later (no descriptor from 768 on is free, EINVAL; raise ulimit -n)";
        using VethLab lab = NativeLab.Create();
        string Send(string limit) =>
            Peer.Run(lab.Left, "sh", "-c", $"{limit} exec dotnet {NativeLab.Tool} pkt-gen -i v0 -f tx -n 1000 {options}").Replace('\n', ' ');
        string output = Send("ulimit -n 512;");
        Assert.Contains(Said, output);
        Assert.Contains("Sent 1000 packets", output);
        Assert.DoesNotContain("after a kill", Send(""));
    }

    [Fact]
    public void WithoutXdpSocketsInTheKernelAPortSaysSo()
    {
        Peer.Require("python3", "python3");
        using VethLab lab = NativeLab.Create();
        string output = Peer.Run(lab.Left, "python3", "-c", WithoutXdpSockets, "dotnet", NativeLab.Tool, "pkt-gen", "-i", "v0", "-f", "tx", "-n", "1000");
        Assert.Contains("after a kill the host gets its traffic back later (the kernel refused a lifeline, EAFNOSUPPORT)", output.Replace('\n', ' '));
        Assert.Contains("Sent 1000 packets", output);
    }

    /// <summary>Its links live on, held by us: the host has its network all the same.</summary>
    [Theory]
    [InlineData("native", "plain")]
    [InlineData("native", "fast")]
    [InlineData("generic", "auto")]
    public void TheHostOfAKilledProcessDoesNotWaitForItsLinks(string mode, string gear)
    {
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = NativeLab.Create().WithAddresses();
        using Peer victim = Peer.Start(lab.Left, "dotnet", NativeLab.Tool, "pkt-gen", "-i", "v0", "-f", "rx", "--admode", mode, "--gear", gear);
        Assert.True(SpinWait.SpinUntil(() => !Answers(lab), VethLab.Soon), "the receiver never took the traffic");
        SafeDescriptor[] links = [.. LinksOf(victim.Id)];
        Assert.NotEmpty(links);
        victim.Kill();
        victim.Finish();
        Assert.True(Answers(lab));
        Assert.Equal(mode == "native", NativeLab.ProgramOn(lab.Left, "v0") != 0);
        Array.ForEach(links, link => link.Dispose());
        Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
        Assert.True(Answers(lab));
    }

    private static void Check(Lifeline lifeline, int type, bpf_insn[] code, int alive, int dead)
    {
        using BpfProgram program = BpfProgram.Load(type, code, "test", null);
        Assert.Equal(alive, BpfTestRun.Run(program, s_frame).Verdict);
        lifeline.Dispose();
        Assert.Equal(dead, BpfTestRun.Run(program, s_frame).Verdict);
    }

    private static bool Answers(VethLab lab) =>
        Peer.Run(lab.Right, "ping", "-c", "1", "-W", "1", "10.9.0.1").Contains(" 0% packet loss", StringComparison.Ordinal);

    /// <summary>Descriptors of our own of another process's links.</summary>
    private static unsafe IEnumerable<SafeDescriptor> LinksOf(int process)
    {
        List<SafeDescriptor> links = [];
        foreach (BpfObject link in BpfObject.Of(process.ToString(CultureInfo.InvariantCulture)).Where(one => one.Kind == "link_id"))
        {
            bpf_attr_id ask = new() { id = link.Id };
            SysResult fd = LinuxBpf.bpf(LinuxBpf.BPF_LINK_GET_FD_BY_ID, &ask, (uint)sizeof(bpf_attr_id));
            Assert.False(fd.IsError);
            links.Add(new SafeDescriptor(fd.Int32));
        }
        return links;
    }
}
