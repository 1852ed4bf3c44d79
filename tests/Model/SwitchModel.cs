using Netmap.Interop;

namespace Netmap.Tests.Model;

/// <summary>
/// A learning switch in the plainest words: a dictionary of addresses, a queue for each ring. Knows nothing of the engine
/// but what spec 7 says, and where the engine says to do better than it.
/// </summary>
internal sealed class SwitchModel(int batch, Func<long> now)
{
    /// <summary>Seconds an address is remembered.</summary>
    public const int Aging = 10;

    private readonly Dictionary<ulong, (int Number, long Seen)> _addresses = [];
    private readonly List<int?> _numbers = [];

    /// <summary>By the test's own numbers.</summary>
    public Dictionary<int, ModelPort> Ports { get; } = [];

    /// <summary>A new port gets the lowest free number.</summary>
    public void Open(int port, int rings, int slots)
    {
        int number = _numbers.IndexOf(null);
        if (number < 0)
        {
            number = _numbers.Count;
            _numbers.Add(null);
        }
        _numbers[number] = port;
        Ports[port] = new ModelPort(number, [.. Enumerable.Range(0, rings).Select(_ => new ModelRing(slots - 1))]);
    }

    /// <summary>Its addresses go with it.</summary>
    public void Close(int port)
    {
        int number = Ports[port].Number;
        _numbers[number] = null;
        Ports.Remove(port);
        foreach (ulong address in _addresses.Where(entry => entry.Value.Number == number).Select(entry => entry.Key).ToArray())
            _addresses.Remove(address);
    }

    public void Send(int port, int ring, List<ModelPacket> packets)
    {
        for (int i = 0; i < packets.Count;)
        {
            List<ModelPacket> part = [];
            for (int slots = 0; i < packets.Count && slots < batch; i++)
            {
                if (packets[i].Slots > NetmapH.NETMAP_MAX_FRAGS)
                {
                    Ports[port].TooMany++;
                    continue;
                }
                part.Add(packets[i]);
                slots += packets[i].Slots;
            }
            SendBatch(port, ring, part);
        }
    }

    /// <summary>Whole packets a reader takes now; their slots are free from then on.</summary>
    public List<byte[]> Receive(int port, int ring, int most)
    {
        ModelRing from = Ports[port].Rings[ring];
        List<byte[]> taken = [];
        while (taken.Count < most && from.Queue.TryDequeue(out ModelPacket? packet))
        {
            from.Used -= packet.Slots;
            taken.Add(packet.Bytes);
        }
        return taken;
    }

    private void SendBatch(int port, int ring, List<ModelPacket> packets)
    {
        ModelPort source = Ports[port];
        // The first that does not fit, and all after it for the same ring, are lost.
        HashSet<ModelRing> full = [];
        List<(ModelPacket Packet, int? Destination)> routed = [.. packets.Select(packet => (packet, Route(source, packet)))];
        foreach ((ModelPacket packet, int? destination) in routed)
        {
            if (destination is not { } number)
                continue;
            if (number >= 0)
                Deliver(Ports[_numbers[number]!.Value], ring, packet, full);
            else if (Ports.Count == 1)
                source.Nobody++;
            else
            {
                foreach (ModelPort other in Ports.Values.Where(other => other != source))
                    Deliver(other, 0, packet, full);
            }
        }
    }

    private static void Deliver(ModelPort port, int ring, ModelPacket packet, HashSet<ModelRing> full)
    {
        ModelRing to = port.Rings[ring % port.Rings.Length];
        if (to.Used + packet.Slots > to.Capacity)
            full.Add(to);
        if (full.Contains(to))
        {
            port.Full++;
            return;
        }
        to.Used += packet.Slots;
        to.Queue.Enqueue(packet);
    }

    /// <summary>A number, -1 for everybody, null for nobody.</summary>
    private int? Route(ModelPort source, ModelPacket packet)
    {
        // The addresses must lie in the first slot.
        if (packet.First < 14)
        {
            source.TooShort++;
            return null;
        }
        ulong to = Address(packet.Bytes, 0);
        ulong from = Address(packet.Bytes, 6);
        if (!IsGroup(from) && from != 0 && (packet.Flags & NetmapH.NS_NO_LEARN) == 0)
            _addresses[from] = (source.Number, now());
        int number = packet.Flags >> NetmapH.NS_PORT_SHIFT;
        if (number == 0)
        {
            if (IsGroup(to) || !_addresses.TryGetValue(to, out (int Number, long Seen) known) || now() - known.Seen > Aging)
                return -1;
            number = known.Number;
        }
        if (number < _numbers.Count && _numbers[number] is not null && number != source.Number)
            return number;
        source.Nowhere++;
        return null;
    }

    private static bool IsGroup(ulong address) => (address >> 40 & 1) != 0;

    private static ulong Address(byte[] bytes, int at)
    {
        ulong address = 0;
        for (int i = 0; i < 6; i++)
            address = (address << 8) | bytes[at + i];
        return address;
    }
}

internal sealed class ModelPort(int number, ModelRing[] rings)
{
    public int Number => number;

    public ModelRing[] Rings => rings;

    public int Full { get; set; }

    public int TooShort { get; set; }

    public int TooMany { get; set; }

    public int Nowhere { get; set; }

    public int Nobody { get; set; }
}

internal sealed class ModelRing(int capacity)
{
    public int Capacity => capacity;

    public int Used { get; set; }

    public Queue<ModelPacket> Queue { get; } = [];
}

/// <summary>A packet as its sender wrote it.</summary>
internal sealed record ModelPacket(byte[] Bytes, int Slots, ushort Flags, int First)
{
    private const int BufferSize = 2048;

    public static ModelPacket Random(Random random)
    {
        int length = random.Next(10) switch
        {
            0 => random.Next(0, 14),
            < 7 => random.Next(14, 200),
            _ => random.Next(14, 5 * BufferSize),
        };
        int flags = random.Next(8) == 0 ? NetmapH.NS_NO_LEARN : 0;
        if (random.Next(8) == 0)
            flags |= random.Next(1, 6) << NetmapH.NS_PORT_SHIFT;
        byte[] bytes = Traffic.Packet(length, random.Next(), Someone(random), Someone(random));
        return new(bytes, Math.Max(1, (length + BufferSize - 1) / BufferSize), (ushort)flags, length);
    }

    /// <summary>One packet of both; the first one's flags count.</summary>
    public ModelPacket With(ModelPacket next) => this with { Bytes = [.. Bytes, .. next.Bytes], Slots = Slots + next.Slots };

    /// <summary>Few addresses, so that they meet: the zero address, groups, broadcast.</summary>
    private static ulong Someone(Random random) => random.Next(12) switch
    {
        0 => 0,
        1 => Traffic.Broadcast,
        2 => 0x01_0000_5e00_0001,
        var i => 0x02_0000_0000_00 + (ulong)i,
    };
}
