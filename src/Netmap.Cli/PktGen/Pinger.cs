using System.Buffers.Binary;
using System.Diagnostics;
using HdrHistogram;

namespace Netmap.Cli.PktGen;

/// <summary>ping: a burst of numbered frames, then their replies; measures round trips in nanoseconds.</summary>
internal sealed class Pinger(PktGenOptions options, NetmapPort port, byte[] sourceMac, int index, CancellationToken stop)
    : Worker(options, port, index, stop)
{
    private static readonly TimeSpan s_replyTimeout = TimeSpan.FromSeconds(1);

    private readonly FrameSource _frames = new(options with { MinSize = options.MaxSize }, sourceMac);
    private uint _next;
    private long _began;

    /// <summary>Round trips, 1 ns to 10 s.</summary>
    public LongHistogram RoundTrips { get; } = new(10_000_000_000, 3);

    protected override void Work()
    {
        byte[] frame = new byte[Options.MaxSize];
        while (More)
        {
            int burst = (int)Math.Min(Options.Burst, Share == 0 ? int.MaxValue : Share - Progress.Packets);
            int sent = 0;
            _began = Stopwatch.GetTimestamp();
            for (; sent < burst; sent++)
            {
                _frames.Write(frame);
                BinaryPrimitives.WriteInt64BigEndian(frame.AsSpan(_frames.Payload + 4), Stopwatch.GetTimestamp());
                _frames.Number(frame, _next++);
                if (!Port.TxRings[0].TrySend(frame))
                    break;
            }
            Port.TxSync();
            Count(sent, (long)sent * frame.Length);
            int missing = Await(sent);
            Progress.Lost += missing;
        }
    }

    /// <summary>Takes replies until all came or a second went by; how many did not.</summary>
    private int Await(int replies)
    {
        long started = Stopwatch.GetTimestamp();
        while (replies > 0 && Stopwatch.GetElapsedTime(started) < s_replyTimeout)
        {
            if ((Port.Poll(PollEvents.Receive, s_replyTimeout, Stop) & PollEvents.Error) != 0)
                Port.RxSync();
            long now = Stopwatch.GetTimestamp();
            foreach (RxRing ring in Port.RxRings)
            {
                foreach (RxFrame reply in ring)
                    replies -= Record(reply.Data, now) ? 1 : 0;
            }
        }
        return replies;
    }

    /// <summary>Counts a reply; false for any other frame, whose bytes there are no time of this burst.</summary>
    private bool Record(ReadOnlySpan<byte> reply, long now)
    {
        int at = _frames.Payload;
        if (reply.Length < at + 12 || _next - 1 - BinaryPrimitives.ReadUInt32BigEndian(reply[at..]) >= (uint)Options.Burst)
            return false;
        long left = BinaryPrimitives.ReadInt64BigEndian(reply[(at + 4)..]);
        if (left < _began || left > now)
            return false;
        TimeSpan trip = Stopwatch.GetElapsedTime(left, now);
        RoundTrips.RecordValue(Math.Clamp((long)trip.TotalNanoseconds, 1, RoundTrips.HighestTrackableValue));
        return true;
    }
}
