namespace Netmap.Devices.Xdp.Gear;

/// <summary>Where the words of a receive queue's ring are; see <see cref="GearRx"/>.</summary>
internal readonly unsafe struct GearRxLayout
{
    /// <summary>Bytes of records written, counted without end. The program's.</summary>
    public required uint* Produced { get; init; }

    /// <summary>Bytes of records given back. Ours.</summary>
    public required uint* Consumed { get; init; }

    /// <summary>1: ring the bell with the next frame. Set by us, cleared by the program.</summary>
    public required uint* Asleep { get; init; }

    /// <summary>1: we look by ourselves, within less than a millisecond. Ours.</summary>
    public required uint* Watching { get; init; }

    /// <summary>1: take the queue's frames. Ours.</summary>
    public required uint* On { get; init; }

    /// <summary>Frames lost for want of room. The program's.</summary>
    public required long* Full { get; init; }

    /// <summary>Frames lost because they were longer than a record can be. The program's.</summary>
    public required long* TooLong { get; init; }

    /// <summary>Buffers for frames: set by us, cleared by the program.</summary>
    public required uint* Fill { get; init; }

    public required byte* Records { get; init; }

    public required uint RingBytes { get; init; }
}

/// <summary>A received frame.</summary>
/// <param name="data">First byte.</param>
/// <param name="first">First word of its record.</param>
/// <param name="buffer">Of netmap's, that it fills from the start; 0 if it lies in the ring.</param>
internal readonly unsafe struct GearFrame(byte* data, int first, uint buffer)
{
    public byte* Data { get; } = data;

    public int Length => first & GearRecord.Length;

    /// <summary>A checksum may be partial.</summary>
    public bool IsSuspect => (first & GearRecord.Suspect) != 0;

    public uint Buffer { get; } = buffer;
}

/// <summary>The reader of one receive queue of <see cref="GearRx"/>. One thread at a time (the ring's lock).</summary>
internal sealed unsafe class GearRxRing(GearPool? pool, GearRxLayout layout)
{
    private static readonly TimeSpan s_afterWatching = TimeSpan.FromMilliseconds(1);

    /// <summary>Buffers that may be given at a time; a power of two.</summary>
    public const int MostGiven = 1024;

    private GearRxBell? _bell;
    private uint _given;
    private uint _produced;
    private uint _consumed;
    private uint _offset;
    private bool _watching;
    private bool _stoppedWatching;

    /// <summary>Takes the queue's frames from now on.</summary>
    /// <param name="bell">What <see cref="Wait"/> sleeps on.</param>
    public void Open(GearRxBell bell)
    {
        _bell = bell;
        Volatile.Write(ref *layout.On, 1);
    }

    /// <summary>Lets the queue's frames pass.</summary>
    public void Close() => Volatile.Write(ref *layout.On, 0);

    /// <summary>Frames lost because the reader was too slow, since the ring was made.</summary>
    public long Overruns => Volatile.Read(ref *layout.Full);

    /// <summary>Frames lost because they were too long.</summary>
    public long TooLong => Volatile.Read(ref *layout.TooLong);

    /// <summary>
    /// What to sleep on, and how long at most. A frame that the program stored while we stopped watching may have rung no
    /// bell, and come into sight only a moment later: the sleep after that is short.
    /// </summary>
    public DeviceWait Wait => _bell!.Wait with { Retry = _stoppedWatching ? s_afterWatching : Timeout.InfiniteTimeSpan };

    /// <summary>Frames go into buffers that are given.</summary>
    public bool TakesBuffers => pool is not null;

    /// <summary>
    /// Gives a buffer of the pool for a frame; it comes back with one. At most <see cref="MostGiven"/> at a time: then the
    /// entry's last one has come back, and the entry is ours. Store-release: our reads of the buffer are done before the program
    /// may write there; pairs with its load of the entry and the branch on it.
    /// </summary>
    public void Give(uint buffer) => Volatile.Write(ref layout.Fill[_given++ & (MostGiven - 1)], buffer);

    /// <summary>
    /// The next frame, where the program put it. In the ring it stays there until <see cref="Release"/>; a buffer of the pool is the
    /// caller's from then on. Load-acquire: the record is as the program wrote it; pairs with the exchange of Produced in the program.
    /// </summary>
    public bool TryPeek(out GearFrame frame)
    {
        if (_produced == _consumed)
            _produced = Volatile.Read(ref *layout.Produced);
        if (_produced == _consumed)
        {
            frame = default;
            return false;
        }
        int* record = (int*)(layout.Records + _offset);
        if (*record == GearRecord.Skip)
            record = SkipLine();
        int first = *record;
        frame = (first & GearRecord.Place) == 0 || pool is null
            ? new((byte*)record + GearRecord.Header, first, 0)
            : new(pool.Start((uint)record[1]), first, (uint)record[1]);
        return true;
    }

    /// <summary>Goes on behind the frame that <see cref="TryPeek"/> gave.</summary>
    public void Advance(GearFrame frame)
    {
        uint bytes = frame.Buffer == 0 ? (uint)GearRecord.BytesOf(frame.Length) : GearRecord.PlaceBytes;
        _consumed += bytes;
        _offset = _offset + bytes >= layout.RingBytes ? 0 : _offset + bytes;
    }

    /// <summary>A record that holds its frame begins a line.</summary>
    private int* SkipLine()
    {
        uint rest = (uint)-(int)_offset & (GearRecord.Alignment - 1);
        _consumed += rest;
        _offset += rest;
        return (int*)(layout.Records + _offset);
    }

    /// <summary>
    /// Gives back all frames advanced over. Store-release: our reads of them are done before the program may write there
    /// again; pairs with its load of Consumed and the branch on it.
    /// </summary>
    public void Release() => Volatile.Write(ref *layout.Consumed, _consumed);

    /// <summary>Forgets all waiting frames, and gives their buffers again; how many there were.</summary>
    public int Purge()
    {
        int frames = 0;
        for (; TryPeek(out GearFrame frame); frames++)
        {
            Advance(frame);
            if (frame.Buffer != 0)
                Give(frame.Buffer);
        }
        Release();
        return frames;
    }

    /// <summary>We look on without being woken, until the next <see cref="PrepareWait"/>.</summary>
    public void Watch()
    {
        if (!_watching)
            Volatile.Write(ref *layout.Watching, 1);
        _watching = true;
    }

    /// <summary>Before sleeping: has the program ring the bell. False when frames are waiting.</summary>
    public bool PrepareWait()
    {
        _bell!.Drain();
        _stoppedWatching = _watching;
        _watching = false;
        Volatile.Write(ref *layout.Watching, 0);
        Volatile.Write(ref *layout.Asleep, 1);
        // Full fence: Asleep is visible before Produced is read; pairs with the program's exchange of Produced before it
        // reads Asleep. Either it sees that we sleep, or we see its frame.
        Interlocked.MemoryBarrier();
        return _consumed == Volatile.Read(ref *layout.Produced);
    }
}
