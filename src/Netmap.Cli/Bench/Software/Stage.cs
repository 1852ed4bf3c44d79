using System.Runtime.InteropServices;

namespace Netmap.Cli.Bench.Software;

/// <summary>What one thread of a measurement does over and over.</summary>
internal abstract class Stage
{
    private const int StepsUnwatched = 16;

    private Progress _progress;

    /// <summary>Packets so far; read by the measuring thread.</summary>
    public long Packets => Volatile.Read(ref _progress.Packets);

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

    /// <summary>A counter on cache lines of its own, so that whoever reads it does not slow the thread down.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Progress
    {
        [FieldOffset(128)]
        public long Packets;
    }
}

/// <summary>Two stages by turns on one thread; its packets are those of the second.</summary>
internal sealed class ByTurns(Stage first, Stage second) : Stage
{
    public override int Step()
    {
        first.Step();
        return second.Step();
    }
}

/// <summary>Stages one after the other on one thread; their packets together.</summary>
internal sealed class Together(Stage[] stages) : Stage
{
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

    public override int Step()
    {
        Stage stage = stages[_next];
        _next = _next + 1 == stages.Length ? 0 : _next + 1;
        return stage.Step();
    }
}
