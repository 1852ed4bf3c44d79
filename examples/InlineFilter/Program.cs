// Sits between two ports and passes everything on but what goes to one TCP or UDP port: InlineFilter netmap:eth0 netmap:eth1 23
using System.Buffers.Binary;
using Netmap;

if (args.Length != 3 || !ushort.TryParse(args[2], out ushort blocked))
{
    Console.Error.WriteLine("usage: InlineFilter PORT PORT NUMBER, for example: InlineFilter netmap:eth0 netmap:eth1 23");
    return 2;
}
try
{
    using NetmapPort left = NetmapPort.Open(args[0]);
    using NetmapPort right = NetmapPort.Open(args[1]);
    Console.WriteLine(left.RxRings[0].SharesMemoryWith(right.TxRings[0]) ? "buffers change hands" : "frames are copied");
    // One thread for each direction: their rings are different ones.
    Task there = Task.Run(() => Pass(left, right));
    Task back = Task.Run(() => Pass(right, left));
    await await Task.WhenAny(there, back);
    Console.Error.WriteLine("an interface went down");
}
catch (NetmapException e)
{
    Console.Error.WriteLine(e.Message);
}
return 1;

void Pass(NetmapPort from, NetmapPort to)
{
    while ((from.Poll(PollEvents.Receive, Timeout.InfiniteTimeSpan) & PollEvents.Receive) != 0)
    {
        for (int i = 0; i < from.RxRings.Count; i++)
        {
            if (!TryPassRing(from.RxRings[i], to, to.TxRings[i % to.TxRings.Count]))
                return;
        }
        to.TxSync();
    }
}

bool TryPassRing(RxRing rx, NetmapPort to, TxRing tx)
{
    // Peek first: a frame that finds no room stays where it is.
    while (rx.TryPeek(out RxFrame frame))
    {
        int slots = frame.SlotCount;
        while (!IsBlocked(frame.Data) && !tx.TryForward(frame))
        {
            if ((to.Poll(PollEvents.Transmit, Timeout.InfiniteTimeSpan) & PollEvents.Error) != 0)
                return false;
        }
        rx.Advance(slots);
    }
    return true;
}

// TCP or UDP over IPv4, to the port that is closed here.
bool IsBlocked(ReadOnlySpan<byte> frame)
{
    if (frame.Length < 34 || frame[12] != 8 || frame[13] != 0 || frame[23] is not (6 or 17))
        return false;
    int ports = 14 + ((frame[14] & 0xf) * 4);
    return frame.Length >= ports + 4 && BinaryPrimitives.ReadUInt16BigEndian(frame[(ports + 2)..]) == blocked;
}
