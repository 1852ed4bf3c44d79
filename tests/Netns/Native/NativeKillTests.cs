using System.Diagnostics;
using Netmap.Cli.Bench.FailOpen;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Native;

/// <summary>Processes that die with an interface, and ports that are closed: nothing of theirs is left.</summary>
public sealed class NativeKillTests
{
    public NativeKillTests() => Privileges.RequireBpf();

    /// <summary>A short form; the long one is 100 kills (docs/native.md).</summary>
    [Fact]
    public void AProcessKilledUnderLoadLeavesTheHostItsTraffic()
    {
        Peer.Require("ping", "iputils-ping");
        using VethLab lab = NativeLab.Create().WithAddresses();
        int kills = NativeLab.Repetitions("NETMAP_KILLS", 4);
        Random random = new(11);
        List<TimeSpan> outages = [];
        for (int i = 0; i < kills; i++)
        {
            using Peer receiver = Peer.Start(lab.Left, "dotnet", NativeLab.Tool, "pkt-gen", "-i", "v0", "-f", "rx");
            using Peer sender = Peer.Start(lab.Right, "dotnet", NativeLab.Tool, "pkt-gen", "-i", "v1", "-f", "tx");
            Assert.True(SpinWait.SpinUntil(() => NativeLab.ProgramOn(lab.Left, "v0") != 0, VethLab.Soon), "the receiver never took the traffic");
            using PingSeries pings = new(lab.Right, "10.9.0.1");
            Thread.Sleep(random.Next(600));
            long killed = Stopwatch.GetTimestamp();
            receiver.Kill();
            sender.Kill();
            TimeSpan? outage = pings.OutageSince(killed, VethLab.Soon);
            Assert.NotNull(outage);
            outages.Add(outage.Value);
            receiver.Finish();
            sender.Finish();
            Assert.Contains(" 0% packet loss", Peer.Run(lab.Right, "ping", "-c", "3", "-i", "0.05", "-W", "2", "10.9.0.1"));
            Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
        }
        TestContext.Current.TestOutputHelper?.WriteLine(new KillTimes(outages).ToString());
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
    /// A short form; the long one is 1,000 cycles (docs/native.md). Our descriptors are as many as before, and no program, map
    /// or link of any cycle is in the kernel any more.
    /// </summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void NothingIsLeftAfterManyCycles(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(queues: 2, engine: NativeLab.Options with { NativeGear = gear });
        lab.OpenLeft().Dispose();
        int cycles = NativeLab.Repetitions("NETMAP_CYCLES", 50);
        OpenResources before = OpenResources.Settled();
        BpfObject[] lasting = [.. BpfObject.Ours()];
        HashSet<BpfObject> made = [];
        for (int i = 0; i < cycles; i++)
        {
            using NetmapPort port = lab.OpenLeft();
            made.UnionWith(BpfObject.Ours());
            Assert.Contains(new BpfObject("prog_id", NativeLab.ProgramOn(lab.Left, "v0")), made);
        }
        before.CheckNothingMoreIsOpen();
        Assert.Equal(0u, NativeLab.ProgramOn(lab.Left, "v0"));
        made.ExceptWith(lasting);
        // Each cycle has its own: at least a program, its link, and a map.
        Assert.All((string[])["prog_id", "link_id", "map_id"], kind => Assert.True(made.Count(one => one.Kind == kind) >= cycles));
        Assert.True(SpinWait.SpinUntil(() => !made.Any(one => one.Exists), VethLab.Soon), "something stayed in the kernel");
    }

    private static long Drain(NetmapPort port)
    {
        port.RxSync();
        port.RxRings[0].Advance(port.RxRings[0].Available);
        return port.GetStatistics().Rx[0].Packets;
    }
}
