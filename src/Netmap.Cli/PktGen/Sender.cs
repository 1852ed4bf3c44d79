using System.Diagnostics;

namespace Netmap.Cli.PktGen;

/// <summary>tx and txseq: fills slots, a burst for each sync.</summary>
internal sealed class Sender(PktGenOptions options, NetmapPort port, byte[] sourceMac, int index, CancellationToken stop)
    : Worker(options, port, index, stop)
{
    private static readonly TimeSpan s_pollTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_drainTimeout = TimeSpan.FromSeconds(1);

    /// <summary>
    /// So many frames are written; then every buffer holds one, and is sent as it is if all frames are the same. pkt-gen's own number.
    /// </summary>
    private const int Written = 100_000;

    private readonly FrameSource _frames = new(options, sourceMac);
    private readonly bool _numbered = options.Function == "txseq";

    protected override void Work()
    {
        int burst = Options.Rate > 0 ? (int)Math.Clamp(Options.Rate / Options.Threads / 300, 1, Options.Burst) : Options.Burst;
        int ring = 0;
        while (More)
        {
            TxRing tx = Port.TxRings[ring];
            ring = ring + 1 == Port.TxRings.Count ? 0 : ring + 1;
            if (tx.Space < Options.Fragments)
            {
                Port.Poll(PollEvents.Transmit, s_pollTimeout, Stop);
                if (tx.Space < Options.Fragments)
                    Port.TxSync();
                continue;
            }
            Progress.MinSpace = Math.Min(Progress.MinSpace, tx.Space);
            int packets = (int)Math.Min(Math.Min(tx.Space / Options.Fragments, burst), Share == 0 ? int.MaxValue : Share - Progress.Packets);
            if (Options.Rate > 0)
                Pace(packets);
            long bytes = Fill(tx, packets);
            Port.TxSync();
            Count(packets, bytes);
        }
        Drain();
    }

    private long Fill(TxRing ring, int packets)
    {
        long bytes = 0;
        int at = ring.Head;
        bool asIs = Options.Rubbish || (_frames.IsConstant && !_numbered && Progress.Packets > Math.Max(Written, Port.TxRings.Count * (long)ring.SlotCount));
        for (int k = 0; k < packets; k++)
        {
            for (int part = 0; part < Options.Fragments; part++)
            {
                ref NetmapSlot slot = ref ring[at];
                int length = asIs && (slot.Flags & SlotFlags.BufferChanged) == 0 ? Options.MaxSize : Write(ring.Buffer(at), k);
                if (Options.FragmentSize > 0)
                    length = Math.Min(length, Options.FragmentSize);
                slot.Length = (ushort)length;
                slot.Flags = part + 1 < Options.Fragments ? SlotFlags.MoreFragments
                    : k + 1 == packets ? SlotFlags.Report
                    : SlotFlags.None;
                bytes += length;
                at = ring.Next(at);
            }
        }
        ring.Advance(packets * Options.Fragments);
        return bytes;
    }

    private int Write(Span<byte> buffer, int k)
    {
        int length = _frames.Write(buffer);
        if (_numbered)
            _frames.Number(buffer[..length], (uint)(Progress.Packets + k));
        return length;
    }

    /// <summary>Waits until the packets sent so far are due at the asked rate.</summary>
    private void Pace(int packets)
    {
        double due = (double)(Progress.Packets + packets) / Options.Rate * Options.Threads;
        while (!Stop.IsCancellationRequested)
        {
            double early = due - Stopwatch.GetElapsedTime(Progress.Started).TotalSeconds;
            if (early <= 0)
                return;
            if (early > 0.002)
                Thread.Sleep(1);
        }
    }

    /// <summary>Lets the last frames leave, for a second at most.</summary>
    private void Drain()
    {
        long started = Stopwatch.GetTimestamp();
        while (Port.TxRings.Any(ring => ring.IsPending) && Stopwatch.GetElapsedTime(started) < s_drainTimeout)
            Port.TxSync();
    }
}
