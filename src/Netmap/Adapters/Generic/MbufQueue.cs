using Netmap.Devices;

namespace Netmap.Adapters.Generic;

/// <summary>
/// Frames that arrived and were not imported yet: a list through <see cref="Mbuf.Next"/>. Not thread-safe: its ring's
/// queue lock guards it.
/// </summary>
internal sealed class MbufQueue
{
    private Mbuf? _first;
    private Mbuf? _last;

    public int Count { get; private set; }

    public Mbuf? First => _first;

    public void Enqueue(Mbuf frame)
    {
        frame.Next = null;
        if (_last is null)
            _first = frame;
        else
            _last.Next = frame;
        _last = frame;
        Count++;
    }

    /// <summary>Takes the first frame, or null.</summary>
    public Mbuf? Dequeue()
    {
        Mbuf? frame = _first;
        if (frame is null)
            return null;
        _first = frame.Next;
        if (_first is null)
            _last = null;
        frame.Next = null;
        Count--;
        return frame;
    }

    /// <summary>Frees everything; how many frames that were.</summary>
    public int Purge()
    {
        int freed = 0;
        while (Dequeue() is { } frame)
        {
            frame.Free();
            freed++;
        }
        return freed;
    }
}
