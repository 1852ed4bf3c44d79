using System.Globalization;
using Netmap.Links;

namespace Netmap.Tests.Netns.Native;

/// <summary><see cref="NetmapEngineOptions.NativeBusyPoll"/>: receive calls work the driver's queue themselves.</summary>
public sealed class NativeBusyPollTests
{
    private const int Frames = 20_000;

    private static readonly NetmapEngineOptions s_busy = NativeLab.Options with
    {
        NativeBusyPoll = TimeSpan.FromMicroseconds(50),
        NativeGear = NativeGear.Plain,
    };

    public NativeBusyPollTests() => Privileges.RequireBpf();

    /// <summary>The kernel counts frames that came through a receiver's call; for a veth there are none since 6.14.</summary>
    [Fact]
    public void FramesCrossAndThePortSaysWhetherTheKernelPolls()
    {
        using VethLab lab = NativeLab.Create(engine: s_busy);
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort rx = lab.OpenRight();
        Cross(tx, rx);
        Assert.Contains("; busy polling", rx.Info.Mode);
        Assert.Equal(rx.Info.Mode.Contains("busy polling without effect: the kernel knows no queue"), Polled(lab.Right) == 0);
    }

    [Fact]
    public void ThePortSaysThatTheFastGearDoesNotPoll()
    {
        using VethLab lab = NativeLab.Create(engine: s_busy with { NativeGear = NativeGear.Auto });
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort rx = lab.OpenRight();
        Cross(tx, rx);
        Assert.Equal(rx.GetStatistics().Rx[0].Packets, rx.GetStatistics().Rx[0].FastPackets);
        Assert.Contains("busy polling without effect: frames come through the mapped ring", rx.Info.Mode);
        Assert.Equal(0, Polled(lab.Right));
    }

    [Fact]
    public void WithoutTheOptionNothingIsPolled()
    {
        using VethLab lab = NativeLab.Create(engine: s_busy with { NativeBusyPoll = default });
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort rx = lab.OpenRight();
        Cross(tx, rx);
        Assert.DoesNotContain("busy polling", rx.Info.Mode);
        Assert.Equal(0, Polled(lab.Right));
    }

    /// <summary>Who sleeps in poll is woken all the same.</summary>
    [Fact]
    public void ASleepingReaderIsWoken()
    {
        using VethLab lab = NativeLab.Create(engine: s_busy);
        using NetmapPort left = lab.OpenLeft();
        using NetmapPort right = lab.OpenRight();
        Thread later = new(() =>
        {
            for (int i = 0; i < 5; i++)
            {
                Thread.Sleep(50);
                NativeLab.Send(right, i);
            }
        });
        later.Start();
        for (int i = 0; i < 5; i++)
            Assert.Equal(TestFrame.Numbered(i, 60), NativeLab.One(left));
        later.Join();
    }

    /// <summary>A sender in small batches, and a receiver that never sleeps; each frame arrives or is counted.</summary>
    private static void Cross(NetmapPort tx, NetmapPort rx)
    {
        Thread sender = new(() =>
        {
            for (int sent = 0; sent < Frames; Thread.Yield())
            {
                for (int i = 0; i < 8 && tx.TxRings[0].TrySend(TestFrame.Numbered(sent, 60)); i++)
                    sent++;
                tx.TxSync();
            }
        });
        sender.Start();
        long received = 0;
        Assert.True(SpinWait.SpinUntil(() =>
        {
            rx.RxSync();
            foreach (RxFrame frame in rx.RxRings[0])
                received += frame.Length == 60 ? 1 : 0;
            return received + rx.GetStatistics().Drops.Values.Sum() == Frames;
        }, TimeSpan.FromSeconds(30)), $"{received} frames");
        sender.Join();
    }

    /// <summary>TcpExt: BusyPollRxPackets of the namespace.</summary>
    private static long Polled(NetworkNamespace space) => space.Run(() =>
    {
        string[][] lines = [.. File.ReadLines("/proc/thread-self/net/netstat").Where(line => line.StartsWith("TcpExt:", StringComparison.Ordinal)).Select(line => line.Split(' '))];
        return long.Parse(lines[1][Array.IndexOf(lines[0], "BusyPollRxPackets")], CultureInfo.InvariantCulture);
    });
}
