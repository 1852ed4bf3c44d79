using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Tests;

/// <summary>
/// A program gone mad: writes nonsense into head, cur, tail and slots of its rings, on a thread of its own, until it is
/// disposed of.
/// </summary>
internal sealed unsafe class Scribbler : IDisposable
{
    private readonly netmap_ring*[] _rings;
    private readonly uint[] _slots;
    private readonly Thread _thread;
    private bool _stop;

    /// <param name="rings">Its rings.</param>
    public Scribbler(params netmap_ring*[] rings)
    {
        _rings = rings;
        _slots = new uint[rings.Length];
        for (int i = 0; i < rings.Length; i++)
            _slots[i] = rings[i]->num_slots;
        _thread = new(Run) { IsBackground = true, Name = "scribbler" };
    }

    /// <summary>What it writes into buf_idx; anything by default.</summary>
    public Func<Random, uint>? Buffer { get; init; }

    /// <summary>Flags it may set.</summary>
    public ushort Flags { get; init; } = ushort.MaxValue;

    public Scribbler Start()
    {
        _thread.Start();
        return this;
    }

    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        _thread.Join();
    }

    /// <summary>Moves head and cur forward from wherever they are, as a sane program would.</summary>
    public static void Move(netmap_ring* ring, uint size, uint slots)
    {
        uint tail = Volatile.Read(ref ring->tail);
        uint head = Volatile.Read(ref ring->head);
        if (tail >= size || head >= size)
            return;
        uint next = RingIndex.Advance(head, Math.Min(RingIndex.Distance(head, tail, size - 1), slots), size - 1);
        ring->cur = next;
        Volatile.Write(ref ring->head, next);
    }

    private void Run()
    {
        Random random = new(5);
        while (!Volatile.Read(ref _stop))
        {
            int chosen = random.Next(_rings.Length);
            Scribble(_rings[chosen], _slots[chosen], random);
        }
    }

    private void Scribble(netmap_ring* ring, uint size, Random random)
    {
        netmap_slot* slot = RawPort.Slots(ring) + random.Next((int)size);
        switch (random.Next(60))
        {
            case 0:
                ring->head = Index(random, size);
                break;
            case 1:
                ring->cur = Index(random, size);
                break;
            case 2:
                ring->tail = Index(random, size);
                break;
            case < 20:
                slot->buf_idx = Buffer?.Invoke(random) ?? Index(random, size);
                break;
            case < 35:
                slot->len = (ushort)random.Next(65536);
                break;
            case < 52:
                slot->flags = (ushort)(random.Next(65536) & Flags);
                break;
            default:
                slot->ptr = (ulong)random.NextInt64();
                break;
        }
    }

    private static uint Index(Random random, uint size) => random.Next(3) switch
    {
        0 => (uint)random.Next((int)size),
        1 => (uint)random.Next(),
        _ => uint.MaxValue - (uint)random.Next(8),
    };
}
