using Netmap.Adapters;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;
using Netmap.Vale;

namespace Netmap.Tests.Schedules;

/// <summary>
/// Two senders that put frames into a transmit ring of an interface on a switch, and the interface's own thread: whoever finds the ring
/// taken leaves a mark, and the last one out sees to it.
/// </summary>
public sealed class TransmitSideTests : IDisposable
{
    private const int Frames = 3;

    private readonly NetmapMemory _memory = new(1, false, MemoryGeometry.Global(new() { BufferCount = 200, RingSize = 4096 }));

    public TransmitSideTests() => _memory.Activate();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void NoFrameIsLeftInTheRing() => Explorer.Explore(Scenario);

    /// <summary>A sender stopped between two reads, while the other one's frames were sent, took an empty ring for a full one.</summary>
    [Fact]
    public void ARingWithRoomNeverLooksFull() => Explorer.Replay(Scenario, 10);

    [Theory]
    [InlineData("TransmitSide.Run:Exchange#0", Fault.NoFence)]
    [InlineData("TransmitSide.Run:MemoryBarrier#0", Fault.NoFence)]
    [InlineData("TransmitSide.Run:Exchange#1", Fault.NoStore)]
    [InlineData("TransmitSide.PrepareWait:VolatileRead#0", Fault.ReadsZero)]
    public void ABrokenMarkIsFound(string place, Fault fault) => Explorer.MustFind(Scenario, place, fault);

    private void Scenario(Schedule schedule)
    {
        Device device = new(_memory);
        KRing ring = device.TxRings[0];
        ring.Create("test");
        ring.Resume();
        int wakes = 0;
        InterfacePort port = new("test", device, (device.TxRings, device.RxRings), device.Counters, new(), () => wakes++);
        InboundRing inbound = port.Inbound[0];
        TransmitSide side = port.Transmit[0];
        int sending = 2;
        void Send()
        {
            for (int i = 0; i < Frames; i++)
            {
                long ticket;
                do
                    Assert.True(inbound.Free(out ticket) > 0, "there is room for all frames, and the ring says it has none");
                while (!inbound.TryLease(ticket, 1));
                ring.Fill((uint)ticket, 60, 0);
                inbound.Complete(ticket, 1, 1, 60);
                port.Arrived(inbound);
            }
            sending--;
        }

        void Own()
        {
            while (true)
            {
                Schedule.WaitFor(() => wakes > 0 || sending == 0);
                if (wakes == 0)
                    return;
                wakes = 0;
                do
                    side.Run(SyncFlags.ForceReclaim);
                while (!side.PrepareWait(out _));
            }
        }

        schedule.Together(("a", Send), ("b", Send), ("own", Own));
        Assert.True(wakes > 0 || ring.HwCur == 2 * Frames, $"{(2 * Frames) - ring.HwCur} frames are in the ring, and nobody will send them");
        ring.Destroy();
    }

    /// <summary>Takes one frame a sync at first, then all.</summary>
    private sealed class Device : SoftwareAdapter
    {
        private int _syncs;

        public Device(NetmapMemory memory)
            : base("test", memory, 1, 0, 8, 8) => CreateKrings();

        public override string Kind => "test";

        protected override string Mode => "test";

        protected override Errno TxSync(KRing ring, SyncFlags flags)
        {
            ring.HwCur = _syncs++ == 0 && ring.HwCur != ring.RHead ? ring.Next(ring.HwCur) : ring.RHead;
            ring.HwTail = ring.Previous(ring.HwCur);
            return Errno.Success;
        }

        protected override Errno RxSync(KRing ring, SyncFlags flags) => Errno.Success;
    }
}
