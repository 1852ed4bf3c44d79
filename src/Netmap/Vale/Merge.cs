namespace Netmap.Vale;

/// <summary>Walks two lists of packets in the order of the batch, or one run of neighbours.</summary>
internal struct Merge
{
    private readonly PacketBatch _batch;

    /// <summary>End of the run; 0 when lists are walked.</summary>
    private readonly int _runEnd;
    private int _first;
    private int _second;

    public Merge(PacketBatch batch, int first, int second, int runEnd = 0) =>
        (_batch, _first, _second, _runEnd) = (batch, first, second, runEnd);

    /// <summary>The next packet's index; there is one.</summary>
    public int Take()
    {
        int packet;
        if (_second == 0 || (_first != 0 && _first < _second))
        {
            packet = _first - 1;
            _first = _runEnd == 0 ? _batch.PacketAt(packet).Next : _first == _runEnd ? 0 : _first + 1;
        }
        else
        {
            packet = _second - 1;
            _second = _batch.PacketAt(packet).Next;
        }
        return packet;
    }

    /// <summary>The packets are neighbours in the batch.</summary>
    public readonly bool IsRun => _runEnd != 0;

    /// <summary>Of a run, the next <paramref name="count"/> packets; there are as many.</summary>
    /// <returns>The first one's index.</returns>
    public int TakeRun(int count)
    {
        int first = _first - 1;
        _first = first + count == _runEnd ? 0 : first + count + 1;
        return first;
    }

    /// <summary>How many packets from here on fit into <paramref name="free"/> slots; nothing is taken.</summary>
    /// <returns>Their slots.</returns>
    public readonly int Fit(int free, out int packets)
    {
        Merge look = this;
        int slots = 0;
        for (packets = 0; look._first != 0 || look._second != 0; packets++)
        {
            int more = _batch.PacketAt(look.Take()).Fragments;
            if (slots + more > free)
                break;
            slots += more;
        }
        return slots;
    }
}
