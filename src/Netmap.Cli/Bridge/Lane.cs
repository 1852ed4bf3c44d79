namespace Netmap.Cli.Bridge;

/// <summary>
/// One direction of a bridge, on a thread of its own: what one port receives leaves by the other. Ring i goes to ring i,
/// modulo their number, so that the frames of a ring stay in order. A full port holds the lane up; what then comes in faster
/// is lost where it arrives, and counted there.
/// </summary>
internal sealed class Lane(NetmapPort from, NetmapPort to, BridgeOptions options, CancellationToken stop)
{
    private static readonly TimeSpan s_pollTimeout = TimeSpan.FromSeconds(2.5);

    /// <summary>A network interface sends each slot as a frame of its own; ports in memory and the host know longer ones.</summary>
    private readonly bool _takesLongFrames = to.Info.Adapter is not ("generic" or "native") || to.TxRings.All(ring => ring.IsHost);

    private long _packets;
    private long _bytes;
    private long _batches;
    private long _full;
    private long _tooLong;

    public string From => from.Name;

    public string To => to.Name;

    public long Packets => Volatile.Read(ref _packets);

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Syncs that sent something.</summary>
    public long Batches => Volatile.Read(ref _batches);

    /// <summary>Times the lane had to wait for room.</summary>
    public long Full => Volatile.Read(ref _full);

    /// <summary>Frames of several slots that the other port could not send: dropped.</summary>
    public long TooLong => Volatile.Read(ref _tooLong);

    /// <summary>Buffers change hands instead of frames being copied.</summary>
    public bool IsZeroCopy { get; } = !options.Copy && from.RxRings[0].SharesMemoryWith(to.TxRings[0]);

    /// <summary>What ended the lane, if it was not the user.</summary>
    public string? Failure { get; private set; }

    public void Run()
    {
        try
        {
            while (!stop.IsCancellationRequested)
                Step();
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Ctrl-C: the report follows.
        }
        catch (NetmapException e)
        {
            Failure = e.Message;
        }
    }

    private void Step()
    {
        PollEvents found = from.Poll(PollEvents.Receive, s_pollTimeout, stop);
        if ((found & PollEvents.Error) != 0)
        {
            // Says in words what is wrong with the port.
            from.RxSync();
            Thread.Sleep(1);
            return;
        }
        while (!stop.IsCancellationRequested)
        {
            bool moved = MoveAll(out bool full);
            if (moved)
            {
                _batches++;
                to.TxSync();
            }
            if (full)
                WaitForRoom(moved);
            else if (!moved)
                return;
        }
    }

    private bool MoveAll(out bool full)
    {
        full = false;
        bool moved = false;
        for (int i = 0; i < from.RxRings.Count; i++)
            moved |= Move(from.RxRings[i], to.TxRings[i % to.TxRings.Count], ref full);
        return moved;
    }

    private bool Move(RxRing rx, TxRing tx, ref bool full)
    {
        int count = 0;
        while (count < options.Burst && rx.TryPeek(out RxFrame frame))
        {
            (int slots, int length) = (frame.SlotCount, frame.Length);
            if (slots > 1 && !_takesLongFrames)
            {
                _tooLong++;
            }
            else if (tx.TryForward(frame, options.Copy))
            {
                count++;
                _bytes += length;
            }
            else
            {
                full = true;
                break;
            }
            rx.Advance(slots);
        }
        _packets += count;
        return count > 0;
    }

    private void WaitForRoom(bool moved)
    {
        _full++;
        PollEvents found = to.Poll(PollEvents.Transmit, s_pollTimeout, stop);
        if ((found & PollEvents.Error) != 0)
            to.TxSync();
        // Of several rings another one had room, or the frame needs more of it: not at full speed.
        if (!moved)
            Thread.Sleep(1);
    }
}
