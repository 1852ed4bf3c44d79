using System.Globalization;
using Netmap.Bpf;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Native;

/// <summary>What befalls an interface while a native port is open on it, and what keeps a port from being native.</summary>
public sealed class NativeFaultTests
{
    public NativeFaultTests() => Privileges.RequireBpf();

    [Fact]
    public void AnInterfaceThatIsDownGivesENETDOWNAndComesBack()
    {
        using VethLab lab = NativeLab.Create();
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        lab.Left.SetUp("v0", false);
        Assert.Equal(PollEvents.Error, left.Poll(PollEvents.Receive, VethLab.Soon) & PollEvents.Error);
        Assert.True(left.TxRings[0].TrySend(TestFrame.Numbered(0, 60)));
        Assert.Equal("ENETDOWN", Assert.Throws<NetmapException>(left.TxSync).ErrorName);
        lab.Left.SetUp("v0");
        NativeLab.Send(right, 7);
        Assert.Equal(TestFrame.Numbered(7, 60), NativeLab.One(left));
        // What was not sent while the link was down goes out now.
        left.TxSync();
        Assert.Equal(TestFrame.Numbered(0, 60), NativeLab.One(right));
    }

    [Fact]
    public void ADeletedInterfaceIsGoneForGood()
    {
        using VethLab lab = NativeLab.Create();
        using NetmapPort left = lab.OpenLeft();
        lab.Left.Delete("v0");
        Assert.Equal(PollEvents.Error, left.Poll(PollEvents.Receive, VethLab.Soon) & PollEvents.Error);
        Assert.Contains(Assert.Throws<NetmapException>(left.RxSync).ErrorName, (string[])["EIO", "ENXIO"]);
        Assert.Throws<NetmapException>(left.TxSync);
        left.Dispose();
        Assert.Equal("ENXIO", Assert.Throws<NetmapException>(() => lab.OpenLeft()).ErrorName);
    }

    [Fact]
    public void AnInterfaceMovedToAnotherNamespaceIsGoneToo()
    {
        using VethLab lab = NativeLab.Create();
        using NetworkNamespace elsewhere = NetworkNamespace.Create();
        using NetmapPort left = lab.OpenLeft();
        NativeLab.Move(lab.Left, "v0", elsewhere);
        Assert.Equal(PollEvents.Error, left.Poll(PollEvents.Receive, VethLab.Soon) & PollEvents.Error);
        left.Dispose();
        // Nothing of ours went with it.
        Assert.Equal(0u, NativeLab.ProgramOn(elsewhere, "v0"));
    }

    [Fact]
    public void AnMtuRaisedLaterCounts()
    {
        using VethLab lab = NativeLab.Create();
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        NativeLab.Send(left, TestFrame.Numbered(1, 1914));
        Assert.Equal(1, left.GetStatistics().Drops[DropReason.ExceedsMtu]);
        lab.Left.SetMtu("v0", 1900);
        lab.Right.SetMtu("v1", 1900);
        // The link is looked at ten times a second: frames are too long until then.
        long dropped;
        int number = 1;
        do
        {
            dropped = left.GetStatistics().Drops[DropReason.ExceedsMtu];
            Assert.InRange(number++, 1, 10000);
            NativeLab.Send(left, TestFrame.Numbered(number, 1914));
            Thread.Sleep(1);
        }
        while (left.GetStatistics().Drops[DropReason.ExceedsMtu] > dropped);
        Assert.Equal(TestFrame.Numbered(number, 1914), NativeLab.One(right));
    }

    [Fact]
    public void AProgramThatIsThereAlreadyIsNamed()
    {
        using VethLab lab = NativeLab.Create();
        using BpfLink other = NativeLab.AttachForeign(lab.Left, "v0", "their_filter");
        uint id = NativeLab.ProgramOn(lab.Left, "v0");
        foreach (AdapterMode mode in (AdapterMode[])[AdapterMode.Best, AdapterMode.Native])
        {
            using NetmapEngine engine = new(NativeLab.Options with { AdapterMode = mode });
            NetmapException refused = Assert.Throws<NetmapException>(() => lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: engine)));
            Assert.Equal("EBUSY", refused.ErrorName);
            Assert.Contains($"XDP program \"their_filter\" (id {id})", refused.Message);
            Assert.Contains("AdapterMode.Generic", refused.Message);
            Assert.Contains("their_filter", lab.Left.Run(() => NetmapPort.Query("netmap:v0", engine)).Mode);
        }
        using NetmapEngine generic = new(VethLab.Generic);
        using NetmapPort port = lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: generic));
        Assert.Equal("generic", port.Info.Adapter);
        Assert.Equal(id, NativeLab.ProgramOn(lab.Left, "v0"));
    }

    /// <summary>Our link holds the place in the driver; beside a generic port there may be any program.</summary>
    [Fact]
    public void AProgramThatComesLaterIsRefusedNativelyAndRunsBesideGenericPorts()
    {
        using VethLab lab = NativeLab.Create();
        using (NetmapPort left = lab.OpenLeft())
        using (NetmapPort right = lab.OpenRight())
        {
            Assert.Null(NativeLab.AttachForeign(lab.Left, "v0", "late"));
            NativeLab.Send(right, 1);
            Assert.Equal(TestFrame.Numbered(1, 60), NativeLab.One(left));
        }
        using NetmapEngine generic = new(VethLab.Generic);
        using NetmapPort port = lab.Left.Run(() => NetmapPort.Open("netmap:v0", engine: generic));
        using NetmapPort peer = lab.OpenRight();
        using BpfLink? late = NativeLab.AttachForeign(lab.Left, "v0", "late");
        Assert.NotNull(late);
        NativeLab.Send(peer, 2);
        Assert.Equal(TestFrame.Numbered(2, 60), NativeLab.One(port));
    }

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
        using NativePair pair = new(gear);
        (NetmapPort left, NetmapPort right) = pair;
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

    [Theory]
    [InlineData("-bpf,-sys_admin", "eBPF is refused to this user")]
    [InlineData("-net_raw", "XDP sockets need CAP_NET_RAW")]
    public void WithoutTheRightsThePortIsGenericAndSaysWhy(string without, string words)
    {
        Peer.Require("setpriv", "util-linux");
        using VethLab lab = NativeLab.Create();
        string output = Peer.Run(lab.Left, "setpriv", $"--bounding-set={without}", "--inh-caps=-all", "dotnet", NativeLab.Tool, "info", "v0");
        Assert.Contains("generic; not native: " + words, output.Replace("\n", " "));
    }

    /// <summary>The limit on locked memory is the usual 8 MiB, and nothing allows to raise it.</summary>
    [Fact]
    public void MemoryThatMayNotBeLockedIsSaidAndTheDemoRunsGenerically()
    {
        Peer.Require("setpriv", "util-linux");
        using VethLab lab = NativeLab.Create();
        string output = Peer.Run(lab.Left, "setpriv", "--bounding-set=-ipc_lock,-sys_resource", "--inh-caps=-all",
            "sh", "-c", $"ulimit -l 8192; exec dotnet {NativeLab.Tool} demo --json --frames 5000 --pings 5");
        Assert.Contains("not native: the buffer pool of 320 MiB may not be locked: the limit is 8192 KiB; raise it (ulimit -l", output);
        Assert.Contains("lower BufferCount to 4096", output);
        Assert.Contains("\"adapter\":\"generic\"", output);
        Assert.Contains("\"ok\":true", output);
    }

    /// <summary>A short form; the long one is 100 kills (docs/native.md).</summary>
    [Fact]
    public void AProcessKilledUnderLoadLeavesTheHostItsTraffic()
    {
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = NativeLab.Create().WithAddresses();
        int kills = NativeLab.Repetitions("NETMAP_KILLS", 4);
        Random random = new(11);
        for (int i = 0; i < kills; i++)
        {
            using Peer receiver = Peer.Start(lab.Left, "dotnet", NativeLab.Tool, "pkt-gen", "-i", "v0", "-f", "rx");
            using Peer sender = Peer.Start(lab.Right, "dotnet", NativeLab.Tool, "pkt-gen", "-i", "v1", "-f", "tx");
            Assert.True(SpinWait.SpinUntil(() => NativeLab.ProgramOn(lab.Left, "v0") != 0, VethLab.Soon), "the receiver never took the traffic");
            Thread.Sleep(random.Next(600));
            receiver.Kill();
            sender.Kill();
            receiver.Finish();
            sender.Finish();
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Right, "ping", "-c", "3", "-i", "0.05", "-W", "2", "10.9.0.1"));
            Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
        }
    }

    /// <summary>Killed while its fast gear sends: nothing goes on sending, and the host has both directions again.</summary>
    [Fact]
    public void ASenderKilledInTheFastGearLeavesTheHostItsTraffic()
    {
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = NativeLab.Create().WithAddresses();
        Random random = new(12);
        for (int i = 0; i < 3; i++)
        {
            using Peer sender = Peer.Start(lab.Right, "dotnet", NativeLab.Tool, "pkt-gen", "-i", "v1", "-f", "tx", "--gear", "fast");
            using (NetmapPort left = lab.OpenLeft())
            {
                // Far more than go out before the gear is in.
                Assert.True(SpinWait.SpinUntil(() => Drain(left) > 100_000, VethLab.Soon), "nothing is sent");
            }
            Assert.Contains("100% packet loss", Peer.Run(lab.Right, "ping", "-c", "2", "-i", "0.05", "-W", "1", "10.9.0.1"));
            Thread.Sleep(random.Next(50));
            sender.Kill();
            sender.Finish();
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Right, "ping", "-c", "20", "-i", "0.01", "-W", "2", "10.9.0.1"));
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Left, "ping", "-c", "20", "-i", "0.01", "-W", "2", "10.9.0.2"));
            Assert.Equal(0u, NativeLab.ProgramOn(lab.Right, "v1"));
            using NetmapPort quiet = lab.OpenLeft();
            Assert.Equal(PollEvents.None, quiet.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(100)));
        }
    }

    /// <summary>
    /// A dying process lets go of its descriptors from the highest number down, and may wait long at each socket: the links
    /// that keep the host's traffic away come first.
    /// </summary>
    [Fact]
    public void TheLinksAreTheFirstThingsADyingProcessLetsGoOf()
    {
        using VethLab lab = NativeLab.Create();
        using NetmapPort nic = lab.OpenLeft();
        using NetmapPort host = lab.OpenLeft("^");
        List<(int Number, string Target)> files = [.. Directory.GetFiles("/proc/self/fd")
            .Select(file => (int.Parse(Path.GetFileName(file), CultureInfo.InvariantCulture), new FileInfo(file).LinkTarget ?? ""))];
        int[] links = [.. files.Where(file => file.Number >= 768 && file.Target.Contains("bpf_link", StringComparison.Ordinal)).Select(file => file.Number)];
        Assert.Equal(4, links.Length);
        Assert.True(links.Min() > files.Where(file => file.Target.StartsWith("socket:", StringComparison.Ordinal)).Max(file => file.Number));
    }

    /// <summary>A short form; the long one is 1,000 cycles (docs/native.md).</summary>
    [Fact]
    public void NothingIsLeftAfterManyCycles()
    {
        using VethLab lab = NativeLab.Create(queues: 2);
        lab.OpenLeft().Dispose();
        int cycles = NativeLab.Repetitions("NETMAP_CYCLES", 50);
        Dictionary<string, int> before = NativeLab.Descriptors();
        int mappings = NativeLab.SocketMappings();
        uint program = 0;
        for (int i = 0; i < cycles; i++)
        {
            using NetmapPort port = lab.OpenLeft();
            program = port.Info.Programs[0].ProgramId;
            Assert.Equal(program, NativeLab.ProgramOn(lab.Left, "v0"));
        }
        Assert.Equal(before, NativeLab.Descriptors());
        Assert.Equal(mappings, NativeLab.SocketMappings());
        Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
        Assert.True(SpinWait.SpinUntil(() => !BpfProgramInfo.TryFind(program, out _), VethLab.Soon), "the program stayed in the kernel");
    }

    private static long Drain(NetmapPort port)
    {
        port.RxSync();
        port.RxRings[0].Advance(port.RxRings[0].Available);
        return port.GetStatistics().Rx[0].Packets;
    }
}
