using System.Runtime.CompilerServices;

namespace Netmap.Vale;

/// <summary>Packets of a batch for one destination, in order: a list through <see cref="Packet.Next"/>.</summary>
internal struct Queue
{
    /// <summary>First packet, as index + 1; 0 for none.</summary>
    public int Head;
    public int Tail;

    /// <summary>Slots of all of them.</summary>
    public int Slots;
    public int Packets;
}

/// <summary>A batch sorted by destination; its cost depends on the destinations met, not on the ports there are.</summary>
internal sealed class Destinations(PacketBatch batch, int ports)
{
    public const int Everybody = -1;

    /// <summary>Dropped: not even an Ethernet header.</summary>
    public const int TooShort = -2;

    /// <summary>Dropped: it would go back where it came from, or to a port that is not there.</summary>
    public const int Nowhere = -3;

    /// <summary>Of a whole batch: not all its packets go the same way.</summary>
    public const int Several = -4;

    private readonly Queue[] _queues = new Queue[ports];
    private readonly int[] _touched = new int[ports];
    private Queue _broadcast;
    private int _count;

    public Queue Broadcast => _broadcast;

    /// <summary>Ports with packets of their own.</summary>
    public ReadOnlySpan<int> Touched => _touched.AsSpan(0, _count);

    public Queue this[int port] => _queues[port];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int packet, int destination)
    {
        if (destination >= 0)
        {
            ref Queue queue = ref _queues[destination];
            if (queue.Head == 0)
                _touched[_count++] = destination;
            Append(ref queue, packet);
        }
        else if (destination == Everybody)
        {
            Append(ref _broadcast, packet);
        }
    }

    public void Clear()
    {
        foreach (int port in Touched)
            _queues[port] = default;
        _broadcast = default;
        _count = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Append(ref Queue queue, int packet)
    {
        if (queue.Head == 0)
            queue.Head = packet + 1;
        else
            batch.PacketAt(queue.Tail).Next = packet + 1;
        queue.Tail = packet;
        queue.Slots += batch.PacketAt(packet).Fragments;
        queue.Packets++;
    }
}
