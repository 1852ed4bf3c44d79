using Netmap.Devices;
using Netmap.Interop;

namespace Netmap.Tests.Netns.Native;

/// <summary>Slots and sockets of native rings: what was judged is what is sent, and closing is the end.</summary>
public sealed unsafe class NativeSlotTests
{
    private const int Frames = 60_000;

    public NativeSlotTests() => Privileges.RequireBpf();

    /// <summary>A program that changes lengths while they are read sends frames of the one length or the other, each as it was counted.</summary>
    [Fact]
    public void AFrameIsSentAsItWasJudged()
    {
        using VethLab lab = NativeLab.Create(NativeGear.Plain);
        using RawPort left = new(lab.Engine);
        lab.Left.Run(() => Assert.Equal(Errno.Success, left.Bind("v0")));
        using NetmapPort right = lab.OpenRight();
        netmap_ring* ring = left.Tx();
        netmap_slot* slots = RawPort.Slots(ring);
        for (uint i = 0; i < ring->num_slots; i++)
        {
            TestFrame.Numbered((int)i, 1000).CopyTo(new Span<byte>(RawPort.Buffer(ring, slots[i].buf_idx), 1000));
            slots[i].len = 60;
        }
        bool stop = false;
        Thread flipper = new(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                for (uint i = 0; i < ring->num_slots; i++)
                    slots[i].len = (ushort)(slots[i].len == 60 ? 1000 : 60);
            }
        });
        flipper.Start();
        long bytes = 0;
        try
        {
            for (int received = 0; received < Frames;)
            {
                ring->head = ring->cur = ring->tail;
                Assert.Equal(Errno.Success, left.TxSync());
                Assert.Equal(PollEvents.Receive, right.Poll(PollEvents.Receive, VethLab.Soon));
                foreach (RxFrame frame in right.RxRings[0])
                {
                    bytes += frame.Length;
                    received++;
                }
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            flipper.Join();
        }
        RingCounters counters = left.File.Registration!.TxRings[0].Counters;
        for (int i = 0; i < 100 && right.GetStatistics().Rx[0].Packets < counters.Packets; i++)
        {
            left.TxSync();
            right.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(50));
            foreach (RxFrame frame in right.RxRings[0])
                bytes += frame.Length;
        }
        Assert.Equal(counters.Packets, right.GetStatistics().Rx[0].Packets);
        Assert.Equal(counters.Bytes, bytes);
    }

    /// <summary>However long somebody still sleeps on a ring: when closing is over the kernel has let go of the buffers.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void NoSocketIsLeftWhereSomebodySleepsOnIt(NativeGear gear)
    {
        using VethLab lab = NativeLab.Create(gear);
        RawPort port = new(lab.Engine);
        lab.Left.Run(() => Assert.Equal(Errno.Success, port.Bind("v0")));
        pollfd[] descriptors = new pollfd[port.File.Poller.MaxDescriptors];
        TimeSpan left = Timeout.InfiniteTimeSpan;
        using Control.Bell bell = new();
        int count = 0;
        // In order: the bell, then the ring; with news of its own it is asked again.
        Assert.True(SpinWait.SpinUntil(() => (count = port.File.Poller.PrepareSleep(bell, descriptors, Poll.POLLIN, ref left)) == 2, VethLab.Soon));
        int ring = descriptors[1].fd;
        Assert.NotEqual(0, Sockets(lab));
        int thread = 0;
        Thread sleeper = new(() =>
        {
            Volatile.Write(ref thread, int.Parse(Path.GetFileName(new FileInfo("/proc/thread-self").LinkTarget!), null));
            pollfd[] own = [new() { fd = ring, events = Poll.POLLIN }, new() { fd = bell.Descriptor, events = Poll.POLLIN }];
            fixed (pollfd* both = own)
                Poll.ppoll(both, 2, null);
        });
        sleeper.Start();
        Assert.True(SpinWait.SpinUntil(() => thread != 0 && IsAsleep(thread), VethLab.Soon));
        port.Dispose();
        int still = Sockets(lab);
        bell.Ring();
        sleeper.Join();
        Assert.Equal(0, still);
    }

    private static bool IsAsleep(int thread) =>
        File.ReadLines($"/proc/self/task/{thread}/status").Any(line => line.StartsWith("State:\tS", StringComparison.Ordinal));

    /// <summary>XDP sockets of the left namespace, by the kernel's own count.</summary>
    private static int Sockets(VethLab lab) => lab.Left.Run(() => int.Parse(
        File.ReadLines("/proc/thread-self/net/protocols").First(line => line.StartsWith("XDP ", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], null));
}
