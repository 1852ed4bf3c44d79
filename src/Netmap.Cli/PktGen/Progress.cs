namespace Netmap.Cli.PktGen;

/// <summary>What one thread has done so far: written by it alone, read by the reporter.</summary>
internal sealed class Progress
{
    public long Packets;
    public long Bytes;

    /// <summary>Syncs that moved something.</summary>
    public long Events;

    /// <summary>Fewest free slots seen when work was at hand.</summary>
    public int MinSpace = int.MaxValue;

    /// <summary>When the thread began and stopped moving packets (Stopwatch ticks).</summary>
    public long Started;
    public long Ended;

    /// <summary>Sequence checks of rxseq; replies that never came of ping.</summary>
    public long Gaps;
    public long OutOfOrder;
    public long Lost;

    /// <summary>What stopped the thread, if it was not its own decision.</summary>
    public string? Failure;
}
