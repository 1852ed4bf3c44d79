using Netmap.Interop;

namespace Netmap.Tests.Unit.SoftwarePorts;

/// <summary>A lossless switch: whoever finds no room waits, is woken, and nothing is lost or comes twice.</summary>
public sealed unsafe class LosslessTests : RawPortTests
{
    [Fact]
    public void UnicastWaitsForRoom()
    {
        (RawPort a, RawPort b) = (Join("a"), Join("b", 16));
        b.Send(Traffic.Packet(60, 0, from: 7));
        a.Receive();
        byte[][] packets = [.. Enumerable.Range(0, 40).Select(i => Traffic.Packet(60, i, to: 7))];
        a.Send(packets);
        List<byte[]> got = [];
        for (int i = 0; i < 4 && got.Count < 40; i++)
        {
            got.AddRange(b.Receive());
            a.TxSync();
        }
        Traffic.AssertSame(packets, got);
        Assert.DoesNotContain(Ports.SelectMany(port => port.File.Registration!.Adapter.Counters.Rx), ring => ring.Drops > 0);
    }

    [Fact]
    public void ABroadcastWaitsForTheSlowestAndComesOnce()
    {
        (RawPort a, RawPort b, RawPort c) = (Join("a"), Join("b", 16), Join("c", 9));
        byte[][] packets = [.. Enumerable.Range(0, 30).Select(i => Traffic.Packet(i % 5 == 0 ? 3000 : 60, i))];
        a.Send(packets);
        List<byte[]> atB = [];
        List<byte[]> atC = [];
        for (int i = 0; i < 30 && (atB.Count < 30 || atC.Count < 30); i++)
        {
            atB.AddRange(b.Receive());
            if (i % 2 == 1)
                atC.AddRange(c.Receive(most: 3));
            a.TxSync();
        }
        Traffic.AssertSame(packets, atB);
        Traffic.AssertSame(packets, atC);
    }

    [Fact]
    public void APacketThatCanNeverFitIsDroppedInsteadOfWaitedFor()
    {
        (RawPort a, RawPort b) = (Join("a"), Join("b", 3));
        b.Send(Traffic.Packet(60, 0, from: 7));
        a.Receive();
        a.Send(Traffic.Packet(5000, 1, to: 7), Traffic.Packet(60, 2, to: 7), Traffic.Packet(5000, 3), Traffic.Packet(60, 4));
        b.Gets(Traffic.Packet(60, 2, to: 7), Traffic.Packet(60, 4));
        Assert.Equal(2, b.File.Registration!.Adapter.Counters.Rx[0].DropsFor(DropReason.FrameTooLong));
    }

    [Fact]
    public void SendersAreWokenWhenThereIsRoomAndWhenTheReaderGoes()
    {
        (RawPort a, RawPort b) = (Join("a", 16), Join("b", 8));
        for (int i = 0; i < 22; i++)
        {
            while (!a.Put(Traffic.Packet(60, i)))
                a.TxSync();
        }
        Assert.Equal(0, a.Poll(Poll.POLLOUT, 1));
        Thread reader = new(() =>
        {
            Thread.Sleep(20);
            b.Receive();
        });
        reader.Start();
        Assert.Equal(Poll.POLLOUT, a.Poll(Poll.POLLOUT, 20000));
        reader.Join();
        while (a.Put(Traffic.Packet(60, 0)) || a.Poll(Poll.POLLOUT) != 0)
            ;
        Thread closer = new(() =>
        {
            Thread.Sleep(20);
            b.Dispose();
        });
        closer.Start();
        Assert.Equal(Poll.POLLOUT, a.Poll(Poll.POLLOUT, 20000));
        closer.Join();
    }

    /// <summary>Three senders, three readers, small rings, everybody on a thread of its own.</summary>
    [Fact]
    public void NothingIsLostWhenAllRun()
    {
        const int Packets = 2000;
        RawPort[] ports = [.. Enumerable.Range(0, 3).Select(i => Join("p" + i, 32))];
        int[] received = new int[3];
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(i => new Thread(() => Exchange(ports[i], i, Packets, received)) { IsBackground = true })];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            Assert.True(thread.Join(TimeSpan.FromSeconds(100)), $"a sender or reader was not woken: {string.Join(' ', received)}");
        Assert.All(received, count => Assert.Equal(2 * Packets, count));
    }

    private static void Exchange(RawPort port, int id, int packets, int[] received)
    {
        int sent = 0;
        while (sent < packets || received[id] < 2 * packets || Sending(port))
        {
            while (sent < packets && port.Put(Traffic.Packet(64, sent, from: (ulong)(2 + id))))
                sent++;
            port.Poll(sent < packets ? (short)(Poll.POLLIN | Poll.POLLOUT) : Poll.POLLIN, 500);
            received[id] += port.Take().Count(packet => packet.Length == 64);
        }
    }

    private static bool Sending(RawPort port) => Traffic.Owned(port.Tx()) < 31;

    private RawPort Join(string name, uint slots = 0)
    {
        RawPort port = Open("vale0:" + name, new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_tx_slots = slots, nr_rx_slots = slots });
        Engine.Core.Switches.Find("vale0")!.Lossless = true;
        return port;
    }
}
