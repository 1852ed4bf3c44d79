using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Netmap.Bpf;
using Netmap.Devices;
using Netmap.Devices.Xdp.Gear;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Tests.Netns.Devices;

/// <summary>The eBPF programs of the fast paths on real interfaces and on made-up frames.</summary>
public sealed class GearTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryFrameArrivesWholeAndInOrder(bool pooled)
    {
        using GearLab lab = new(pooled: pooled);
        if (pooled)
            lab.Give();
        int next = 0;
        for (int i = 0; i < 20000; i++)
        {
            lab.Send(0, TestFrame.Numbered(i, Length(i)));
            if (i % 500 != 499)
                continue;
            lab.Flush(0);
            for (; lab.Take() is { } frame; next++)
                Assert.Equal(TestFrame.Numbered(next, Length(next)), frame);
            lab.Rx.Ring(0).Release();
        }
        Assert.Equal(20000, next);
        Assert.Equal((0, 0), (lab.Rx.Ring(0).Overruns, lab.Rx.Ring(0).TooLong));
        Assert.Equal(0, lab.Tx.Ring(0).Rejected);
        // 500 frames between two looks, 256 buffers: the others are packed into the ring, in order all the same.
        Assert.Equal(pooled ? 20000 / 500 * 256 : 0, lab.Placed);

        static int Length(int i) => 14 + 4 + (i * 37 % 1497);
    }

    [Fact]
    public void TheLongestFrameIsSent()
    {
        using GearLab lab = new();
        lab.Veth.Left.SetMtu("v0", 3058);
        lab.Veth.Right.SetMtu("v1", 3058);
        byte[] frame = TestFrame.Numbered(1, GearTx.LongestFrame);
        lab.Send(0, frame);
        lab.Flush(0);
        Assert.Equal(frame, lab.Take());
    }

    [Fact]
    public void RingsDoNotMeet()
    {
        using GearLab lab = new(rings: 3);
        for (int i = 0; i < 300; i++)
            lab.Send(i % 3, TestFrame.Numbered(i, 100));
        HashSet<int> seen = [];
        foreach (int ring in (int[])[2, 0, 1])
        {
            lab.Flush(ring);
            for (int queue = 0; queue < 3; queue++)
            {
                while (lab.Take(queue) is { } frame)
                {
                    int number = BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(14));
                    Assert.Equal(ring, number % 3);
                    Assert.True(seen.Add(number));
                }
            }
        }
        Assert.Equal(300, seen.Count);
    }

    [Fact]
    public void WhatASlowReaderLosesIsCounted()
    {
        using GearLab lab = new();
        int sent = 0;
        for (; lab.Rx.Ring(0).Overruns == 0; sent += 1000)
        {
            for (int i = 0; i < 1000; i++)
                lab.Send(0, TestFrame.Numbered(sent + i, 60));
            lab.Flush(0);
        }
        int taken = 0;
        for (; lab.Take() is { } frame; taken++)
            Assert.Equal(TestFrame.Numbered(taken, 60), frame);
        Assert.Equal(sent, taken + lab.Rx.Ring(0).Overruns);
        // Room again: the next frame comes, behind the gap.
        lab.Rx.Ring(0).Release();
        lab.Send(0, TestFrame.Numbered(sent, 60));
        lab.Flush(0);
        Assert.Equal(TestFrame.Numbered(sent, 60), lab.Take());
    }

    [Fact]
    public void TheBellRingsForASleepingReaderOnce()
    {
        using GearLab lab = new();
        GearRxRing ring = lab.Rx.Ring(0);
        Assert.False(Rings(ring.Wait, TimeSpan.Zero));
        Assert.True(ring.PrepareWait());
        for (int i = 0; i < 3; i++)
            lab.Send(0, TestFrame.Numbered(i, 60));
        lab.Flush(0);
        Assert.True(Rings(ring.Wait, VethLab.Soon));
        Assert.False(ring.PrepareWait());
        Assert.Equal(3, ring.Purge());
        Assert.True(ring.PrepareWait());
        Assert.False(Rings(ring.Wait, TimeSpan.Zero));
    }

    /// <summary>The bell's descriptors are given back, however few there are.</summary>
    [Fact]
    public void TheBellRingsForEachSleep()
    {
        using GearLab lab = new();
        GearRxRing ring = lab.Rx.Ring(0);
        for (int i = 0; i < 100; i++)
        {
            Assert.True(ring.PrepareWait());
            lab.Send(0, TestFrame.Numbered(i, 60));
            lab.Flush(0);
            Assert.True(Rings(ring.Wait, VethLab.Soon));
            Assert.Equal(TestFrame.Numbered(i, 60), lab.Take());
        }
    }

    /// <summary>Of a frame longer than the bell's chunk, too: the bell gets only a part.</summary>
    [Theory]
    [InlineData(14)]
    [InlineData(GearTx.LongestFrame)]
    public void FramesOfAnyLengthRingTheBell(int length)
    {
        using GearLab lab = new();
        lab.Veth.Left.SetMtu("v0", 3058);
        lab.Veth.Right.SetMtu("v1", 3058);
        byte[] frame = new byte[length];
        frame.AsSpan().Fill(7);
        Assert.True(lab.Rx.Ring(0).PrepareWait());
        lab.Send(0, frame);
        lab.Flush(0);
        Assert.True(Rings(lab.Rx.Ring(0).Wait, VethLab.Soon));
        Assert.Equal(frame, lab.Take());
    }

    /// <summary>
    /// The program looks whether the reader watches, the reader stops watching and finds nothing, and only then the program's
    /// frame comes into sight, which rings no bell: the reader's sleep ends by itself. That it still watches stands for the
    /// program's having looked too early.
    /// </summary>
    [Fact]
    public void AFrameStoredWhileTheReaderStopsWatchingIsFound()
    {
        using GearLab lab = new();
        GearRxRing ring = lab.Rx.Ring(0);
        ring.Watch();
        Assert.True(ring.PrepareWait());
        DeviceWait wait = ring.Wait;
        ring.Watch();
        lab.Send(0, TestFrame.Numbered(0, 60));
        lab.Flush(0);
        Assert.NotEqual(Timeout.InfiniteTimeSpan, wait.Retry);
        bool rang = Rings(wait, wait.Retry);
        // Elsewhere than on x86 the program always looks whether the reader sleeps.
        Assert.Equal(RuntimeInformation.ProcessArchitecture != Architecture.X64, rang);
        Assert.Equal(TestFrame.Numbered(0, 60), lab.Take());
        // Who has slept once after watching is woken again.
        Assert.True(ring.PrepareWait());
        Assert.True(ring.PrepareWait());
        Assert.Equal(Timeout.InfiniteTimeSpan, ring.Wait.Retry);
        lab.Send(0, TestFrame.Numbered(1, 60));
        lab.Flush(0);
        Assert.True(Rings(ring.Wait, VethLab.Soon));
    }

    [Fact]
    public void AQueueThatIsOffPassesItsFrames()
    {
        using GearLab lab = new();
        Assert.Equal(LinuxBpf.XDP_DROP, BpfTestRun.Run(lab.Receiver!, new byte[60], context: FromWire(60)).Verdict);
        lab.Rx.Ring(0).Close();
        Assert.Equal(LinuxBpf.XDP_PASS, BpfTestRun.Run(lab.Receiver!, new byte[60], context: FromWire(60)).Verdict);
        Assert.Equal(60, lab.Take()!.Length);
        Assert.Null(lab.Take());
    }

    /// <summary>Frames of the wire are none of the transmit part's business, whatever their length says.</summary>
    [Theory]
    [InlineData(60)]
    [InlineData(1536)]
    public void ReceivedFramesPassTheTransmitPart(int length)
    {
        using GearLab lab = new();
        int index = GearLab.Index(lab.Veth.Left, "v0");
        Assert.Equal(LinuxBpf.XDP_PASS, lab.Veth.Left.Run(() => BpfTestRun.Run(lab.Sender, new byte[length], context: FromWire(length, index))).Verdict);
    }

    /// <summary>A run that nobody asked for finds no record, and sends nothing.</summary>
    [Theory]
    [InlineData(1536)]
    [InlineData(1535)]
    [InlineData(1537)]
    [InlineData(60)]
    public void ARunWithoutRecordsSendsNothing(int length)
    {
        using GearLab lab = new();
        Assert.Equal(LinuxBpf.XDP_DROP, BpfTestRun.Run(lab.Sender, new byte[length]).Verdict);
        Assert.Null(lab.Take());
    }

    [Fact]
    public void AnInterfaceThatIsGoneStopsTheRun()
    {
        using GearLab lab = new();
        lab.Veth.Left.Delete("v0");
        lab.Send(0, TestFrame.Numbered(0, 60));
        lab.Send(0, TestFrame.Numbered(1, 60));
        Assert.Equal((0, Errno.ENXIO), (lab.Tx.Ring(0).Send(out Errno error), error));
    }

    /// <summary>The thread may be in any namespace: the interface was looked up once.</summary>
    [Fact]
    public void SendingWorksFromAnotherNamespace()
    {
        using GearLab lab = new();
        lab.Send(0, TestFrame.Numbered(7, 60));
        using NetworkNamespace elsewhere = NetworkNamespace.Create();
        elsewhere.Run(() => lab.Flush(0));
        Assert.Equal(TestFrame.Numbered(7, 60), lab.Take());
    }

    /// <summary>Whoever reads need not look at frames the program found complete: it never takes a partial one for such.</summary>
    [Fact]
    public unsafe void WhatMayBePartialIsSuspected()
    {
        using GearLab lab = new(mayBePartial: true);
        Random random = new(5);
        int partial = 0;
        int suspected = 0;
        for (int i = 0; i < 4000; i++)
        {
            byte[] frame = ChecksumFrame.Random(random);
            Assert.Equal(LinuxBpf.XDP_DROP, BpfTestRun.Run(lab.Receiver!, frame, context: FromWire(frame.Length)).Verdict);
            Assert.Equal(frame, lab.Take());
            lab.Rx.Ring(0).Release();
            bool plain = frame.Length >= 52 && frame[12] == 8 && frame[13] == 0 && frame[14] == 0x45;
            bool completed;
            fixed (byte* bytes = frame)
                completed = FrameLook.CompleteChecksum(bytes, frame.Length);
            Assert.True(lab.Suspected || !completed, Convert.ToHexString(frame));
            (partial, suspected) = (partial + (completed && plain ? 1 : 0), suspected + (lab.Suspected && plain ? 1 : 0));
        }
        Assert.InRange(partial, 400, 2000);
        // Of plain frames few others, such as those whose length is wrong, or fragments.
        Assert.InRange(suspected, partial, partial * 2);
    }

    /// <summary>Sleeps as told, but for this time at most; whether something woke.</summary>
    private static unsafe bool Rings(DeviceWait wait, TimeSpan most)
    {
        pollfd poll = new() { fd = wait.Descriptor, events = wait.Events };
        timespec limit = new() { tv_sec = most.Ticks / TimeSpan.TicksPerSecond, tv_nsec = most.Ticks % TimeSpan.TicksPerSecond * 100 };
        return Poll.ppoll(&poll, 1, &limit).Int32 == 1;
    }

    private static byte[] FromWire(int length, int index = 1)
    {
        xdp_md context = new() { data_end = (uint)length, ingress_ifindex = (uint)index };
        return MemoryMarshal.AsBytes(new ReadOnlySpan<xdp_md>(in context)).ToArray();
    }
}
