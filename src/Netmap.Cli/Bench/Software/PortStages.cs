namespace Netmap.Cli.Bench.Software;

/// <summary>
/// Sends as pkt-gen does: frames lie in the buffers already, a batch of slots gets length and flags, then one sync.
/// </summary>
internal sealed class PortSource : Stage
{
    private readonly NetmapPort _port;
    private readonly TxRing _ring;
    private readonly SoftwareCase _case;

    /// <param name="port">Sends on its first ring.</param>
    /// <param name="case">Size and batch.</param>
    /// <param name="frames">In the buffers of the ring, by turns.</param>
    public PortSource(NetmapPort port, SoftwareCase @case, byte[][] frames)
    {
        (_port, _ring, _case) = (port, port.TxRings[0], @case);
        for (int i = 0; i < _ring.SlotCount; i++)
            frames[i % frames.Length].CopyTo(_ring.Buffer(i));
    }

    public override int Step()
    {
        TxRing ring = _ring;
        int count = Math.Min(_case.Batch, ring.Space);
        int at = ring.Head;
        ushort length = (ushort)_case.Bytes;
        for (int i = 0; i < count; i++)
        {
            ref NetmapSlot slot = ref ring[at];
            slot.Length = length;
            slot.Flags = SlotFlags.None;
            at = ring.Next(at);
        }
        ring.Advance(count);
        _port.TxSync();
        AddSent(count);
        return count;
    }
}

/// <summary>Receives as pkt-gen does: one sync, then a look at each slot.</summary>
internal sealed class PortSink : Stage
{
    private readonly NetmapPort _port;
    private readonly RxRing _ring;

    public PortSink(NetmapPort port)
    {
        (_port, _ring) = (port, port.RxRings[0]);
        // The first touch of a page costs a fault: not part of what is measured.
        for (int i = 0; i < _ring.SlotCount; i++)
            _ring.Buffer(i)[0] = 0;
    }

    /// <summary>Bytes received, as the slots say.</summary>
    public long Bytes { get; private set; }

    public override int Holds => _ring.SlotCount;

    public override int Step()
    {
        _port.RxSync();
        RxRing ring = _ring;
        int count = ring.Available;
        int at = ring.Head;
        long bytes = 0;
        for (int i = 0; i < count; i++)
        {
            bytes += ring[at].Length;
            at = ring.Next(at);
        }
        Bytes += bytes;
        ring.Advance(count);
        return count;
    }
}
