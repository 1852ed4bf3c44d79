using System.Runtime.InteropServices;

namespace Netmap.Cli.Bench.Software;

/// <summary>What one thread of a measurement does over and over.</summary>
internal abstract class Stage
{
    private const int StepsUnwatched = 16;

    private Progress _progress;

    /// <summary>Packets so far; read by the measuring thread.</summary>
    public long Packets => Volatile.Read(ref _progress.Packets);

    /// <summary>Frames it has sent so far, where it sends; read by the measuring thread.</summary>
    public virtual long Sent => Volatile.Read(ref _progress.Sent);

    /// <summary>Frames that may wait in the rings it receives from.</summary>
    public virtual int Holds => 0;

    /// <summary>Bytes its thread allocated on the managed heap while it ran.</summary>
    public long Allocated { get; private set; }

    /// <summary>Moves a batch at most.</summary>
    /// <returns>Packets moved.</returns>
    public abstract int Step();

    /// <summary>Steps until told to stop.</summary>
    public void Run(ref bool stop)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        while (!Volatile.Read(ref stop))
        {
            for (int i = 0; i < StepsUnwatched; i++)
                Volatile.Write(ref _progress.Packets, _progress.Packets + Step());
        }
        Allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
    }

    protected void AddSent(int frames) => Volatile.Write(ref _progress.Sent, _progress.Sent + frames);

    /// <summary>Counters on cache lines of their own, so that reading them does not slow the thread down.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Progress
    {
        [FieldOffset(128)]
        public long Packets;
        [FieldOffset(136)]
        public long Sent;
    }
}

/// <summary>Sends and receives by turns on one thread; its packets are those received.</summary>
internal sealed class ByTurns(Stage sender, Stage receiver) : Stage
{
    public override long Sent => sender.Sent;

    public override int Holds => receiver.Holds;

    public override int Step()
    {
        sender.Step();
        return receiver.Step();
    }
}

/// <summary>Traffic and a stage that watches it, by turns on one thread; what counts is the traffic.</summary>
internal sealed class Watched(Stage watcher, Stage traffic) : Stage
{
    public override long Sent => traffic.Sent;

    public override int Holds => traffic.Holds;

    public override int Step()
    {
        watcher.Step();
        return traffic.Step();
    }
}

/// <summary>Stages one after the other on one thread; their packets together.</summary>
internal sealed class Together(Stage[] stages) : Stage
{
    public override int Holds => stages.Sum(stage => stage.Holds);

    public override int Step()
    {
        int moved = 0;
        foreach (Stage stage in stages)
            moved += stage.Step();
        return moved;
    }
}

/// <summary>Stages of which each step does the next one: each comes when it has a batch of its own.</summary>
internal sealed class InRotation(Stage[] stages) : Stage
{
    private int _next;

    public override int Holds => stages.Sum(stage => stage.Holds);

    public override int Step()
    {
        Stage stage = stages[_next];
        _next = _next + 1 == stages.Length ? 0 : _next + 1;
        return stage.Step();
    }
}
