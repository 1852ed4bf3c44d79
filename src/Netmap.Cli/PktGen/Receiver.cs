using System.Buffers.Binary;

namespace Netmap.Cli.PktGen;

/// <summary>rx and rxseq: takes whatever comes.</summary>
internal sealed class Receiver(PktGenOptions options, NetmapPort port, int index, CancellationToken stop)
    : Worker(options, port, index, stop)
{
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_pollTimeout = TimeSpan.FromSeconds(5);

    private readonly bool _numbered = options.Function == "rxseq";
    private long _expected = -1;

    protected override void Work()
    {
        bool started = false;
        while (More)
        {
            PollEvents found = Port.Poll(PollEvents.Receive, Options.StopWhenSilent && started ? s_silence : s_pollTimeout, Stop);
            if ((found & PollEvents.Receive) != 0)
            {
                if (!started)
                    Progress.Started = System.Diagnostics.Stopwatch.GetTimestamp();
                started = true;
                foreach (RxRing ring in Port.RxRings)
                    Take(ring);
                Progress.Ended = System.Diagnostics.Stopwatch.GetTimestamp();
            }
            else if ((found & PollEvents.Error) != 0)
            {
                // Says in words what is wrong with the port.
                Port.RxSync();
            }
            else if (Options.StopWhenSilent && started)
            {
                return;
            }
        }
    }

    private void Take(RxRing ring)
    {
        int available = ring.Available;
        if (available == 0)
            return;
        Progress.MinSpace = Math.Min(Progress.MinSpace, available);
        int packets = 0;
        long bytes = 0;
        foreach (RxFrame frame in ring)
        {
            packets++;
            bytes += frame.Length;
            if (_numbered)
                Check(frame.Data);
            if (Options.Dump)
                HexDump.Write(Console.Out, frame.Data);
            if (packets == Options.Burst || (Share > 0 && Progress.Packets + packets == Share))
                break;
        }
        Count(packets, bytes);
    }

    /// <summary>The number txseq put behind the UDP header.</summary>
    private void Check(ReadOnlySpan<byte> frame)
    {
        int payload = frame.Length > 13 && frame[12] == 0x86 ? 62 : 42;
        if (frame.Length < payload + 4)
            return;
        uint number = BinaryPrimitives.ReadUInt32BigEndian(frame[payload..]);
        if (_expected >= 0 && number != (uint)_expected)
        {
            int distance = (int)(number - (uint)_expected);
            if (distance > 0)
                Progress.Gaps += distance;
            else
                Progress.OutOfOrder++;
        }
        _expected = (uint)(number + 1);
    }
}
