using CsCheck;
using Netmap.Interop;

namespace Netmap.Tests.Model;

/// <summary>
/// Monitors against plain lists: a copy monitor sees what is sent at once and what arrives with it, a zero-copy monitor
/// what the port's reader has given back, each in order. A ring that is too small for what comes at once loses the oldest
/// whole packets, and the port nothing.
/// </summary>
public sealed class MonitorModelTests
{
    private const int Slots = 64;

    private static readonly Gen<(bool ZeroCopy, int Slots, (int Op, int Seed)[] Steps)> s_runs =
        Gen.Select(Gen.Bool, Gen.Int[2, 80], Gen.Select(Gen.Int[0, 8], Gen.Int[0, int.MaxValue - 1]).Array[1, 80]);

    [Fact]
    public void AMonitorSeesTheNewestWholePacketsInOrder() => s_runs.Sample(run => Run(run.ZeroCopy, run.Slots, run.Steps), iter: 400, threads: 1);

    private static void Run(bool zeroCopy, int slots, (int Op, int Seed)[] steps)
    {
        using PortZoo zoo = new();
        // A pipe: the port reads and sends, the peer is its other end.
        RawPort port = Open(zoo, "m0{q", 0, Slots);
        RawPort peer = Open(zoo, "m0}q", 0, Slots);
        RawPort monitor = Open(zoo, "m0{q", zeroCopy ? NetmapH.NR_ZCOPY_MON : NetmapH.NR_MONITOR_RX, slots);
        Model model = new(slots);
        Queue<byte[]> arriving = new();
        Queue<byte[]> unread = new();
        foreach ((int op, int seed) in steps)
        {
            Random random = new(seed);
            switch (op)
            {
                case < 3:
                    for (int i = random.Next(1, 12); i > 0; i--)
                    {
                        byte[] packet = Traffic.Packet(random.Next(1, 6200), random.Next());
                        if (peer.Put(packet))
                            arriving.Enqueue(packet);
                    }
                    Assert.Equal(Errno.Success, peer.TxSync());
                    break;
                case < 6:
                    // First the slots of the last sync go back, then packets come.
                    Assert.Equal(Errno.Success, port.RxSync());
                    Arrive();
                    List<byte[]> got = port.Take(random.Next(12));
                    foreach (byte[] packet in got)
                        Assert.True(packet.AsSpan().SequenceEqual(unread.Dequeue()));
                    Assert.Equal(Errno.Success, port.RxSync());
                    if (zeroCopy)
                        model.Offer(got);
                    break;
                default:
                    Assert.Equal(Errno.Success, monitor.RxSync());
                    // A copy monitor lets the port import.
                    if (!zeroCopy)
                        Arrive();
                    model.Read(monitor.Take(random.Next(12)));
                    Assert.Equal(Errno.Success, monitor.RxSync());
                    model.GiveBack();
                    break;
            }
        }
        Assert.Equal(model.Lost, monitor.File.Registration!.Adapter.Counters.Rx[0].DropsFor(DropReason.DestinationFull));
        monitor.Dispose();
        port.Dispose();
        peer.Dispose();
        zoo.AssertNothingLost();

        void Arrive()
        {
            if (!zeroCopy)
                model.Offer([.. arriving]);
            while (arriving.TryDequeue(out byte[]? packet))
                unread.Enqueue(packet);
        }
    }

    private static RawPort Open(PortZoo zoo, string name, ulong flags, int slots)
    {
        RawPort port = new(zoo.Engine);
        Assert.Equal(Errno.Success, port.Bind(name, new nmreq_register
        {
            nr_mode = NetmapReq.NR_REG_ALL_NIC,
            nr_flags = flags,
            nr_tx_slots = (uint)slots,
            nr_rx_slots = (uint)slots,
        }));
        return port;
    }

    /// <summary>A monitor's ring: what waits to be read, and the slots its reader has not given back.</summary>
    private sealed class Model(int slots)
    {
        private readonly Queue<byte[]> _waiting = new();
        private int _used;
        private int _read;

        /// <summary>Whole packets lost.</summary>
        public long Lost { get; private set; }

        public void Offer(List<byte[]> packets)
        {
            int wanted = packets.Sum(SlotsOf);
            foreach (byte[] packet in packets)
            {
                if (_used + wanted > slots - 1)
                {
                    Lost++;
                }
                else
                {
                    _waiting.Enqueue(packet);
                    _used += SlotsOf(packet);
                }
                wanted -= SlotsOf(packet);
            }
        }

        public void Read(List<byte[]> packets)
        {
            foreach (byte[] packet in packets)
            {
                Assert.True(packet.AsSpan().SequenceEqual(_waiting.Dequeue()));
                _read += SlotsOf(packet);
            }
        }

        public void GiveBack() => (_used, _read) = (_used - _read, 0);

        private static int SlotsOf(byte[] packet) => (packet.Length + 2047) / 2048;
    }
}
