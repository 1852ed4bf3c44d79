namespace Netmap.Cli.Bench;

/// <summary>A port's first rings, as an end of a ping-pong.</summary>
internal sealed class PortEnd(NetmapPort port, byte[] frame, bool blocking) : IPingEnd
{
    public void Send()
    {
        port.TxRings[0].TrySend(frame);
        port.TxSync();
    }

    public bool TryReceive()
    {
        RxRing ring = port.RxRings[0];
        if (ring.Available == 0)
        {
            if (blocking)
                port.Poll(PollEvents.Receive, PingPong.Patience);
            else
                port.RxSync();
        }
        int available = ring.Available;
        ring.Advance(available);
        return available > 0;
    }
}
