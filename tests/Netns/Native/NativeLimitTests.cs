using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Native;

/// <summary>What keeps a port from being native, and readers that are too slow: buffers, memory, rights.</summary>
public sealed class NativeLimitTests
{
    public NativeLimitTests() => Privileges.RequireBpf();

    [Fact]
    public void BuffersXdpSocketsCannotUseMeanGenericOrAnError()
    {
        using VethLab lab = NativeLab.Create();
        using NetmapEngine best = new(new NetmapEngineOptions { BufferSize = 8192, BufferCount = 4100 });
        using (NetmapPort port = lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: best)))
        {
            Assert.Equal("generic", port.Info.Adapter);
            Assert.Contains("BufferSize", port.Info.WhyNotNative);
        }
        using NetmapEngine native = new(new NetmapEngineOptions { BufferSize = 1536, BufferCount = 4100, AdapterMode = AdapterMode.Native });
        NetmapException refused = Assert.Throws<NetmapException>(() => lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: native)));
        Assert.Contains("1792 to 4096 bytes, not 1536 (BufferSize)", refused.Message);
    }

    [Fact]
    public void APoolOfExactlyTheRingsBuffersIsEnoughAndOneLessIsENOMEM()
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { BufferCount = 2050 });
        using (NetmapPort left = lab.OpenLeft())
        using (NetmapEngine other = new(NativeLab.Options))
        using (NetmapPort right = lab.Right.Run(() => NetmapPort.Open("netmap:v1", engine: other)))
        {
            for (int i = 0; i < 3000; i++)
            {
                NativeLab.Send(right, i);
                Assert.Equal(TestFrame.Numbered(i, 60), NativeLab.One(left));
            }
        }
        using NetmapEngine small = new(NativeLab.Options with { BufferCount = 2048 });
        NetmapException refused = Assert.Throws<NetmapException>(() => lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: small)));
        Assert.Equal("ENOMEM", refused.ErrorName);
        Assert.Contains("BufferCount", refused.Message);
        Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
    }

    [Theory]
    [InlineData(NativeGear.Plain, DropReason.NoFillDescriptor, 10_000)]
    [InlineData(NativeGear.Auto, DropReason.KernelRingFull, 60_000)]
    public void FramesForASlowReceiverAreCountedWithTheirReason(NativeGear gear, DropReason reason, int frames)
    {
        using VethLab lab = NativeLab.Create(gear);
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        for (int sent = 0; sent < frames;)
        {
            while (sent < frames && right.TxRings[0].TrySend(TestFrame.Numbered(sent, 60)))
                sent++;
            right.TxSync();
        }
        left.Poll(PollEvents.Receive, VethLab.Soon);
        long got = 0;
        while (left.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(100)) != PollEvents.None)
        {
            foreach (RxFrame frame in left.RxRings[0])
                got++;
        }
        PortStatistics statistics = left.GetStatistics();
        Assert.Equal([reason], statistics.Drops.Keys);
        Assert.Equal(right.GetStatistics().Tx[0].Packets, got + statistics.Drops[reason]);
    }

    /// <summary>Whatever gear is asked for: it opens, and sends.</summary>
    [Theory]
    [InlineData("plain")]
    [InlineData("fast")]
    public void WithoutTheRightToLoadProgramsThePortIsGenericAndSaysWhy(string gear)
    {
        using VethLab lab = NativeLab.Create();
        string output = Without(lab, "-bpf,-sys_admin", $"pkt-gen -i v0 -f tx -n 1000 --gear {gear}");
        Assert.Contains("generic adapter, packet", output);
        Assert.Contains("not native: eBPF is refused to this user", output);
        Assert.Contains("Sent 1000 packets", output);
        Assert.Contains("eBPF is refused", Without(lab, "-bpf,-sys_admin", $"pkt-gen -i v0 -f tx -n 1000 --gear {gear} --admode native"));
    }

    [Fact]
    public void WithoutTheRightToRawSocketsItSaysSo()
    {
        using VethLab lab = NativeLab.Create();
        Assert.Contains("generic; not native: XDP sockets need CAP_NET_RAW", Without(lab, "-net_raw", "info v0"));
    }

    /// <summary>The fast gear sends from a namespace of its own, which takes CAP_SYS_ADMIN.</summary>
    [Fact]
    public void WithoutTheRightToNamespacesThePortHasThePlainGearAndSaysWhy()
    {
        using VethLab lab = NativeLab.Create();
        string output = Without(lab, "-sys_admin", "pkt-gen -i v0 -f tx -n 1000");
        Assert.Contains("native adapter, xdp", output);
        Assert.Contains("no fast gear: ", output);
        Assert.Contains("CAP_SYS_ADMIN is needed", output);
        Assert.Contains("Sent 1000 packets", output);
        Assert.Contains("CAP_SYS_ADMIN is needed", Without(lab, "-sys_admin", "pkt-gen -i v0 -f tx -n 1000 --gear fast"));
    }

    /// <summary>The limit on locked memory is the usual 8 MiB, and nothing allows to raise it.</summary>
    [Theory]
    [InlineData("plain")]
    [InlineData("fast")]
    public void MemoryThatMayNotBeLockedIsSaidAndThePortIsGeneric(string gear)
    {
        using VethLab lab = NativeLab.Create();
        string output = WithLittleMemory(lab, $"pkt-gen -i v0 -f tx -n 1000 --gear {gear}");
        Assert.Contains("generic adapter, packet", output);
        Assert.Contains("not native: the buffer pool of 320 MiB may not be locked: the limit is 8192 KiB; raise it (ulimit -l", output);
        Assert.Contains("lower BufferCount to 4096", output);
        Assert.Contains("Sent 1000 packets", output);
        output = WithLittleMemory(lab, $"pkt-gen -i v0 -f tx -n 1000 --gear {gear} --admode native");
        Assert.Contains("may not be locked", output);
        Assert.DoesNotContain("Sent", output);
        Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
    }

    [Fact]
    public void WithoutLockedMemoryTheDemoRunsGenerically()
    {
        using VethLab lab = NativeLab.Create();
        string output = WithLittleMemory(lab, "demo --json --frames 5000 --pings 5");
        Assert.Contains("\"adapter\":\"generic\"", output);
        Assert.Contains("\"ok\":true", output);
    }

    private static string WithLittleMemory(VethLab lab, string command) => Without(lab, "-ipc_lock,-sys_resource", command, "ulimit -l 8192; ");

    /// <summary>What the tool says without some capabilities.</summary>
    private static string Without(VethLab lab, string capabilities, string command, string before = "")
    {
        Peer.Require("setpriv", "util-linux");
        return Peer.Run(lab.Left, "setpriv", $"--bounding-set={capabilities}", "--inh-caps=-all",
            "sh", "-c", $"{before}exec dotnet {NativeLab.Tool} {command}").Replace('\n', ' ');
    }
}
