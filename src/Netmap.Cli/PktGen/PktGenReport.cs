using System.Diagnostics;
using HdrHistogram;
using Netmap.Cli.Common;

namespace Netmap.Cli.PktGen;

/// <summary>What a run came to: the final lines, or one object.</summary>
internal sealed class PktGenReport(PktGenOptions options, Worker[] workers, PortStatistics statistics)
{
    public long Packets { get; } = workers.Sum(w => w.Progress.Packets);

    private long Bytes { get; } = workers.Sum(w => w.Progress.Bytes);

    private long Events { get; } = workers.Sum(w => w.Progress.Events);

    private double Seconds { get; } = Math.Max(1e-9, Stopwatch.GetElapsedTime(
        workers.Min(w => w.Progress.Started), workers.Max(w => w.Progress.Ended)).TotalSeconds);

    private long Lost => workers.Sum(w => w.Progress.Lost);

    public object Object => new
    {
        Function = options.Function,
        Packets,
        Bytes,
        Events,
        Seconds,
        Pps = Packets / Seconds,
        Dropped = DropReport.Object(statistics),
        Gaps = workers.Sum(w => w.Progress.Gaps),
        OutOfOrder = workers.Sum(w => w.Progress.OutOfOrder),
        Lost,
        Rtt = Rtt() is { TotalCount: > 0 } rtt
            ? new
            {
                Count = rtt.TotalCount,
                MinNs = rtt.GetValueAtPercentile(0),
                MeanNs = rtt.GetMean(),
                P50Ns = rtt.GetValueAtPercentile(50),
                P99Ns = rtt.GetValueAtPercentile(99),
                MaxNs = rtt.GetMaxValue(),
            }
            : null,
    };

    public void Print(TextWriter writer)
    {
        string verb = options.Sends ? "Sent" : options.Function == "pong" ? "Answered" : "Received";
        if (Packets == 0)
        {
            writer.WriteLine($"{verb} nothing.");
        }
        else
        {
            writer.WriteLine($"{verb} {Packets} packets {Bytes} bytes {Events} events {Bytes / Packets} bytes each in {Seconds:F2} seconds.");
            double bits = Bytes * 8 / Seconds;
            double framed = (Bytes + (24 * Packets)) * 8 / Seconds;
            writer.WriteLine($"Speed: {Units.Scale(Packets / Seconds, options.RawUnits)}pps Bandwidth: {Units.Scale(bits, options.RawUnits)}bps "
                + $"(raw {Units.Scale(framed, options.RawUnits)}bps). Average batch: {(double)Packets / Math.Max(1, Events):F2} pkts");
        }
        if (options.Function == "rxseq")
            writer.WriteLine($"Sequence: {workers.Sum(w => w.Progress.Gaps)} missing, {workers.Sum(w => w.Progress.OutOfOrder)} out of order");
        foreach (string line in DropReport.Lines(statistics))
            writer.WriteLine($"{options.Interface}: {line}");
        if (options.Function is "ping" or "pong")
            PrintRoundTrips(writer);
    }

    private void PrintRoundTrips(TextWriter writer)
    {
        if (options.Function == "pong")
        {
            writer.WriteLine($"{Lost} frames not answered for want of space");
            return;
        }
        LongHistogram rtt = Rtt();
        if (rtt.TotalCount == 0)
        {
            writer.WriteLine($"no replies; {Lost} lost");
            return;
        }
        writer.WriteLine($"RTT over {rtt.TotalCount} replies, {Lost} lost: min {rtt.GetValueAtPercentile(0)} ns, mean {rtt.GetMean():F0} ns, "
            + $"p50 {rtt.GetValueAtPercentile(50)} ns, p99 {rtt.GetValueAtPercentile(99)} ns, max {rtt.GetMaxValue()} ns");
        foreach ((long from, long count) in Octaves(rtt))
            writer.WriteLine($"  {from,12} ns.. {count}");
    }

    /// <summary>How many values there are from each power of two on; only those that have any.</summary>
    internal static SortedDictionary<long, long> Octaves(LongHistogram histogram)
    {
        SortedDictionary<long, long> octaves = [];
        // One object walks the histogram: it must not be kept.
        foreach (var value in histogram.RecordedValues())
        {
            long from = 1L << (int)Math.Log2(value.ValueIteratedTo);
            octaves[from] = octaves.GetValueOrDefault(from) + value.CountAddedInThisIterationStep;
        }
        return octaves;
    }

    private LongHistogram Rtt()
    {
        LongHistogram all = new(10_000_000_000, 3);
        foreach (Pinger pinger in workers.OfType<Pinger>())
            all.Add(pinger.RoundTrips);
        return all;
    }
}
