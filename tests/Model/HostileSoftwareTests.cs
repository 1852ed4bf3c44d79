using Netmap.Interop;

namespace Netmap.Tests.Model;

/// <summary>
/// A program that scribbles over all rings of its own port, pipe end and monitor while traffic flows: the engine goes on, and
/// what other ports send each other arrives untouched.
/// </summary>
public sealed unsafe class HostileSoftwareTests
{
    private const int Rounds = 4000;

    [Fact]
    public void OthersPacketsAreIntact()
    {
        using NetmapEngine engine = new();
        using RawPort a = Open(engine, "vale0:a");
        using RawPort b = Open(engine, "vale0:b");
        using RawPort hostile = Open(engine, "vale0:h");
        using RawPort master = Open(engine, "vale0:h{1");
        using RawPort slave = Open(engine, "vale0:h}1");
        using RawPort copy = Open(engine, "vale0:b", NetmapH.NR_MONITOR_RX | NetmapH.NR_MONITOR_TX);
        using RawPort zeroCopy = Open(engine, "vale0:h", NetmapH.NR_ZCOPY_MON);
        RawPort[] bad = [hostile, master, slave, copy, zeroCopy];
        netmap_ring*[] rings = new netmap_ring*[bad.Length * 2];
        for (int i = 0; i < bad.Length; i++)
        {
            rings[2 * i] = bad[i].Tx();
            rings[(2 * i) + 1] = bad[i].Rx();
        }
        // Not NS_INDIRECT: a program may read itself as it likes, at the price of a system call a slot.
        using Scribbler scribbler = new Scribbler(rings) { Flags = unchecked((ushort)~NetmapH.NS_INDIRECT) }.Start();
        Random random = new(3);
        for (int round = 0; round < Rounds; round++)
        {
            // The hostile port may have sent with b's address: that moves, as it does on any switch.
            b.Send(Traffic.Packet(60, 0, from: 7));
            a.Receive();
            byte[][] packets = [.. Enumerable.Range(0, random.Next(1, 30)).Select(i => Traffic.Packet(random.Next(60, 5000), (round * 100) + i, to: 7, from: 8))];
            a.Send(packets);
            foreach (RawPort port in bad)
            {
                Scribbler.Move(port.Tx(), 1024, (uint)random.Next(100));
                Assert.Equal(Errno.Success, port.TxSync());
                Assert.Equal(Errno.Success, port.RxSync());
                Scribbler.Move(port.Rx(), 1024, 1000);
                port.Poll(Poll.POLLIN | Poll.POLLOUT);
            }
            // What the hostile port sends may arrive, too, cut or odd; ours carry our addresses.
            List<byte[]> got = [.. b.Receive().Where(packet => IsOurs(packet))];
            Traffic.AssertSame(packets, got);
        }
    }

    private static bool IsOurs(byte[] packet) => packet.Length >= 60 && packet[5] == 7 && packet[11] == 8 && packet[0] == 0 && packet[6] == 0;

    private static RawPort Open(NetmapEngine engine, string name, ulong flags = 0)
    {
        RawPort port = new(engine);
        Assert.Equal(Errno.Success, port.Bind(name, flags: flags));
        return port;
    }
}
