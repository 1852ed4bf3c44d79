using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Netmap.Interop;

namespace Netmap.Tests.Model;

/// <summary>
/// A switch against <see cref="SwitchModel"/>: random ports, rings and sizes, addresses that move and age, packets of
/// several slots, NS_NO_LEARN, chosen ports, ports that come and go, readers that are slow. Equal deliveries and equal
/// counts of what was dropped.
/// </summary>
public sealed unsafe class SwitchModelTests
{
    private static readonly Gen<SwitchRun> s_runs =
        from ports in Gen.Select(Gen.Int[1, 3], Gen.Int[1, 3], Gen.Int[2, 80]).Array[2, 5]
        from batch in Gen.OneOf(1, 3, 16, 1024)
        from steps in Gen.Select(Gen.Int[0, 99], Gen.Int[0, 4], Gen.Int[0, 2], Gen.Int[0, int.MaxValue - 1]).Array[1, 60]
        select new SwitchRun(ports, batch, [.. steps.Select(s => new SwitchStep(s.Item1, s.Item2, s.Item3, s.Item4))]);

    [Fact]
    public void DeliversAsAPlainLearningSwitchDoes() => s_runs.Sample(run => Run(run), iter: 400, threads: 1);

    private static void Run(SwitchRun run)
    {
        FakeTimeProvider clock = new();
        using NetmapEngine engine = new(new NetmapEngineOptions
        {
            Clock = clock,
            SwitchBatch = run.Batch,
            SwitchAging = TimeSpan.FromSeconds(SwitchModel.Aging),
        });
        SwitchModel model = new(run.Batch, () => clock.GetUtcNow().ToUnixTimeSeconds());
        RawPort?[] ports = new RawPort?[run.Ports.Length];
        for (int i = 0; i < ports.Length; i++)
            Open(engine, model, run, ports, i);
        foreach (SwitchStep step in run.Steps)
        {
            int i = step.Port % ports.Length;
            Random random = new(step.Seed);
            switch (step.Op)
            {
                case < 60 when ports[i] is { } port:
                    Send(port, i, step.Ring % run.Ports[i].Tx, model, random);
                    break;
                case < 90 when ports[i] is { } port:
                    Receive(port, i, model, random.Next(2) == 0 ? int.MaxValue : random.Next(5));
                    break;
                case < 95:
                    clock.Advance(TimeSpan.FromSeconds(random.Next(1, 8)));
                    break;
                default:
                    if (ports[i] is { } open)
                        Close(model, ports, i, open);
                    else
                        Open(engine, model, run, ports, i);
                    break;
            }
        }
        for (int i = 0; i < ports.Length; i++)
        {
            if (ports[i] is not { } port)
                continue;
            Receive(port, i, model, int.MaxValue);
            CheckDrops(port, model.Ports[i]);
            port.Dispose();
        }
    }

    private static void Open(NetmapEngine engine, SwitchModel model, SwitchRun run, RawPort?[] ports, int i)
    {
        (int tx, int rx, int slots) = run.Ports[i];
        RawPort port = new(engine);
        Assert.Equal(Errno.Success, port.Bind("vale0:p" + i, new nmreq_register
        {
            nr_mode = NetmapReq.NR_REG_ALL_NIC,
            nr_tx_rings = (ushort)tx,
            nr_rx_rings = (ushort)rx,
            nr_tx_slots = (uint)slots,
            nr_rx_slots = (uint)slots,
        }));
        ports[i] = port;
        model.Open(i, rx, slots);
    }

    private static void Close(SwitchModel model, RawPort?[] ports, int i, RawPort port)
    {
        CheckDrops(port, model.Ports[i]);
        port.Dispose();
        ports[i] = null;
        model.Close(i);
    }

    /// <summary>Puts packets as long as there is room, and syncs once.</summary>
    private static void Send(RawPort port, int i, int ring, SwitchModel model, Random random)
    {
        List<ModelPacket> packets = [];
        bool joined = false;
        for (int count = random.Next(1, 40); count > 0; count--)
        {
            ModelPacket packet = ModelPacket.Random(random);
            // A last slot that promises more: joined with the packet that follows, or cut off by head.
            bool more = random.Next(20) == 0;
            if (!port.Put(packet.Bytes, (ushort)(packet.Flags | (more ? NetmapH.NS_MOREFRAG : 0)), ring))
                continue;
            if (joined)
                packets[^1] = packets[^1].With(packet);
            else
                packets.Add(packet);
            joined = more;
        }
        Assert.Equal(Errno.Success, port.TxSync());
        Assert.Equal((int)port.Tx(ring)->num_slots - 1, Traffic.Owned(port.Tx(ring)));
        model.Send(i, ring, packets);
    }

    private static void Receive(RawPort port, int i, SwitchModel model, int most)
    {
        Assert.Equal(Errno.Success, port.RxSync());
        for (int ring = 0; ring < model.Ports[i].Rings.Length; ring++)
            Traffic.AssertSame(model.Receive(i, ring, most), port.Take(most, ring));
        Assert.Equal(Errno.Success, port.RxSync());
    }

    private static void CheckDrops(RawPort port, ModelPort expected)
    {
        (IReadOnlyList<Devices.RingCounters> tx, IReadOnlyList<Devices.RingCounters> rx) = port.File.Registration!.Adapter.Counters;
        Assert.Equal(expected.Full, rx.Sum(ring => ring.DropsFor(DropReason.DestinationFull)));
        Assert.Equal(expected.TooShort, tx.Sum(ring => ring.DropsFor(DropReason.TooShort)));
        Assert.Equal(expected.Nowhere, tx.Sum(ring => ring.DropsFor(DropReason.NoDestination)));
        Assert.Equal(expected.Nobody, tx.Sum(ring => ring.DropsFor(DropReason.NobodyReceives)));
        Assert.Equal(expected.TooMany, tx.Sum(ring => ring.DropsFor(DropReason.TooManyFragments)));
    }
}

internal sealed record SwitchRun((int Tx, int Rx, int Slots)[] Ports, int Batch, SwitchStep[] Steps)
{
    public override string ToString() => $"ports [{string.Join(' ', Ports)}] batch {Batch}, {string.Join(' ', (object[])Steps)}";
}

internal sealed record SwitchStep(int Op, int Port, int Ring, int Seed)
{
    public override string ToString() => $"({Op},{Port},{Ring},{Seed})";
}
