using CsCheck;
using Netmap.Interop;

namespace Netmap.Tests.Model;

/// <summary>
/// Pipes against a plain queue: random shapes, packets whole and in parts, buffers exchanged on both sides, ends closed and
/// opened again. What is sent arrives once, in order, complete packets only; a full pipe takes no more; nothing is lost.
/// </summary>
public sealed unsafe class PipeModelTests
{
    private static readonly Gen<(int Slots, (int Op, int Seed)[] Steps)> s_runs =
        Gen.Select(Gen.Int[2, 40], Gen.Select(Gen.Int[0, 9], Gen.Int[0, int.MaxValue - 1]).Array[1, 100]);

    [Fact]
    public void WhatIsSentArrivesOnceInOrder() => s_runs.Sample(run => Run(run.Slots, run.Steps), iter: 400, threads: 1);

    private static void Run(int slots, (int Op, int Seed)[] steps)
    {
        using PortZoo zoo = new();
        Side sender = new(zoo.Engine, "m0{q", slots);
        Side reader = new(zoo.Engine, "m0}q", slots);
        sender.Open();
        Queue<byte[]> sent = new();
        Queue<int> sizes = new();
        List<byte> part = [];
        int partSlots = 0;
        int inFlight = 0;
        foreach ((int op, int seed) in steps)
        {
            Random random = new(seed);
            switch (op)
            {
                case < 4 when sender.Port is { } port:
                    for (int i = random.Next(1, 20); i > 0; i--)
                    {
                        byte[] packet = Traffic.Packet(random.Next(1, 5000), random.Next());
                        bool more = random.Next(4) == 0;
                        port.SwapExtra(port.Tx());
                        if (!port.Put(packet, (ushort)(NetmapH.NS_BUF_CHANGED | (more ? NetmapH.NS_MOREFRAG : 0))))
                            continue;
                        part.AddRange(packet);
                        partSlots += (packet.Length + 2047) / 2048;
                        inFlight += (packet.Length + 2047) / 2048;
                        if (more)
                            continue;
                        sent.Enqueue([.. part]);
                        sizes.Enqueue(partSlots);
                        (part, partSlots) = ([], 0);
                    }
                    Assert.Equal(Errno.Success, port.TxSync());
                    Assert.Equal(slots - 1 - inFlight, Traffic.Owned(port.Tx()));
                    break;
                case < 8 when reader.Port is { } port:
                    Assert.Equal(Errno.Success, port.RxSync());
                    Assert.Equal(sizes.Sum(), Traffic.Owned(port.Rx()));
                    int most = random.Next(10);
                    port.SwapExtra(port.Rx());
                    foreach (byte[] got in port.Take(most))
                    {
                        Assert.True(got.AsSpan().SequenceEqual(sent.Dequeue()));
                        inFlight -= sizes.Dequeue();
                    }
                    Assert.Equal(Errno.Success, port.RxSync());
                    break;
                case 8 when sender.Port is null || reader.Port is not null:
                    sender.Toggle();
                    break;
                case 9 when reader.Port is null || sender.Port is not null:
                    reader.Toggle();
                    break;
            }
        }
        sender.Close();
        reader.Close();
        zoo.AssertNothingLost();
    }

    private sealed class Side(NetmapEngine engine, string name, int slots)
    {
        public RawPort? Port { get; private set; }

        public void Open()
        {
            Port = new RawPort(engine);
            Assert.Equal(Errno.Success, Port.Bind(name, new nmreq_register
            {
                nr_mode = NetmapReq.NR_REG_ALL_NIC,
                nr_tx_slots = (uint)slots,
                nr_rx_slots = (uint)slots,
                nr_extra_bufs = 2,
            }));
        }

        public void Close()
        {
            Port?.Dispose();
            Port = null;
        }

        public void Toggle()
        {
            if (Port is null)
                Open();
            else
                Close();
        }
    }
}
