using Netmap.Interop;
using Netmap.Tests.Netns.Native;

namespace Netmap.Tests.Netns.Host;

/// <summary>Host rings whose buffers somebody writes to meanwhile, or that somebody looks at while they come and go.</summary>
public sealed unsafe class HostileHostRingTests
{
    private const int Frames = 20_000;

    public HostileHostRingTests() => Privileges.RequireBpf();

    /// <summary>Headers are made elsewhere: what a program writes over them is in its frames, and nowhere else.</summary>
    [Fact]
    public void HeadersFlippedWhileSuperFramesAreCutHarmNobody()
    {
        using VethLab lab = new VethLab().WithAddresses();
        using RawPort port = new(lab.Engine);
        lab.Left.Run(() => Assert.Equal(Errno.Success, port.Bind("v0", NetmapReq.NR_REG_NIC_SW)));
        netmap_ring* ring = HostRx(port);
        nint[] buffers = [.. Enumerable.Range(0, (int)ring->num_slots).Select(i => (nint)RawPort.Buffer(ring, RawPort.Slots(ring)[i].buf_idx))];
        bool stop = false;
        Thread flipper = new(() =>
        {
            // From IPv4 to IPv6, of the same length, and back.
            while (!Volatile.Read(ref stop))
            {
                foreach (nint buffer in buffers)
                    ((byte*)buffer)[14] ^= 0x20;
            }
        });
        Thread host = new(() =>
        {
            byte[] data = KernelHostTests.Data(42000);
            while (!Volatile.Read(ref stop))
                KernelHostTests.SendUdp(lab.Left, "10.9.0.2", data, segment: 1400);
        });
        flipper.Start();
        host.Start();
        try
        {
            for (int seen = 0; seen < Frames;)
            {
                Assert.NotEqual(0, port.Poll(Poll.POLLIN, VethLab.Soon.TotalMilliseconds));
                Assert.Equal(Errno.Success, port.RxSync());
                seen += (int)((ring->tail - ring->head + ring->num_slots) % ring->num_slots);
                ring->head = ring->cur = ring->tail;
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            flipper.Join();
            host.Join();
        }
    }

    /// <summary>What is behind a host ring, or a ring of the interface, comes before the ring and goes after it.</summary>
    [Theory]
    [InlineData(AdapterMode.Generic, NetmapReq.NR_REG_SW)]
    [InlineData(AdapterMode.Native, NetmapReq.NR_REG_SW)]
    [InlineData(AdapterMode.Native, NetmapReq.NR_REG_ALL_NIC)]
    public void RingsComeAndGoBesideABusyMonitor(AdapterMode mode, uint coming)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = mode, NativeGear = NativeGear.Plain });
        uint staying = coming == NetmapReq.NR_REG_SW ? NetmapReq.NR_REG_ALL_NIC : NetmapReq.NR_REG_SW;
        using RawPort first = Open(lab, staying);
        using RawPort monitor = Open(lab, coming, NetmapH.NR_MONITOR_RX);
        bool stop = false;
        Exception? failure = null;
        Thread reader = new(() =>
        {
            try
            {
                while (!Volatile.Read(ref stop))
                    monitor.RxSync();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        reader.Start();
        for (int i = 0; i < 100 && failure is null; i++)
            Open(lab, coming).Dispose();
        Volatile.Write(ref stop, true);
        reader.Join();
        Assert.Null(failure);
    }

    private static RawPort Open(VethLab lab, uint mode, ulong flags = 0)
    {
        RawPort port = new(lab.Engine);
        lab.Left.Run(() => Assert.Equal(Errno.Success, port.Bind("v0", mode, flags: flags)));
        return port;
    }

    private static netmap_ring* HostRx(RawPort port) => port.Rx((int)port.Interface->ni_rx_rings);
}
