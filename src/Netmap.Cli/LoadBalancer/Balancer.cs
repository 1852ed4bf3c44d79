namespace Netmap.Cli.LoadBalancer;

/// <summary>
/// Deals the frames of one port to groups of pipes, by flow: every group sees every frame, a flow always the same pipe of
/// a group. No frame is copied: its buffer goes into a slot of the first group's pipe, and when that pipe's reader is done with it into
/// one of the next group's. Where a pipe is full a frame waits in the pipe's overflow queue, as long as there are extra
/// buffers to put into the slots it came from.
/// </summary>
internal sealed class Balancer
{
    private readonly NetmapPort _port;
    private readonly OutputPipe[][] _groups;
    private readonly OutputPipe[] _all;
    private readonly ExtraBuffers _extra;
    private readonly Piece[] _frame;
    private readonly Piece[] _revoked;

    public Balancer(NetmapPort port, OutputPipe[][] groups)
    {
        (_port, _groups) = (port, groups);
        _all = [.. groups.SelectMany(group => group)];
        _extra = new ExtraBuffers(port);
        _frame = new Piece[Math.Max(port.RxRings[0].SlotCount, _all.Max(output => output.Port.TxRings[0].SlotCount))];
        _revoked = new Piece[_frame.Length];
    }

    public IReadOnlyList<OutputPipe> Outputs => _all;

    public long Received { get; private set; }

    public long NotIp { get; private set; }

    public int FreeBuffers => _extra.Count;

    /// <summary>Frames wait for a pipe or for their next group: somebody must look soon.</summary>
    public bool HasWork => Array.Exists(_all, output => output.Waiting > 0) || (_groups.Length > 1 && Array.Exists(_all, output => output.Out > 0));

    /// <summary>Takes in at most so many frames of each ring.</summary>
    public void TakeIn(int burst)
    {
        foreach (RxRing ring in _port.RxRings)
        {
            for (int i = 0; i < burst && ring.TryPeek(out RxFrame frame); i++)
            {
                uint hash = FlowHash.Of(frame.Data, out bool isIp);
                Received++;
                NotIp += isIp ? 0 : 1;
                Span<Piece> pieces = Lift(ring, frame, hash);
                Forward(0, pieces);
                int at = frame.FirstSlot;
                foreach (Piece piece in pieces)
                {
                    ref NetmapSlot slot = ref ring[at];
                    if (slot.BufferIndex != piece.Buffer)
                        (slot.BufferIndex, slot.Flags) = (piece.Buffer, slot.Flags | SlotFlags.BufferChanged);
                    at = ring.Next(at);
                }
                ring.Advance(pieces.Length);
            }
        }
    }

    /// <summary>Syncs the pipes, passes on what their readers are done with, and sends what waited. The last group first: it makes room for those before.</summary>
    public void Turn()
    {
        for (int group = _groups.Length - 1; group >= 0; group--)
        {
            foreach (OutputPipe output in _groups[group])
            {
                output.Port.TxSync();
                PassOn(output, group);
                if (Drain(output))
                    output.Port.TxSync();
            }
        }
    }

    /// <summary>Gives all buffers back to the port they came from; frames that still wait are lost.</summary>
    public void End()
    {
        foreach (OutputPipe output in _all)
        {
            while (output.Waiting > 0)
                Revoke(output);
        }
        _extra.Return();
    }

    private Span<Piece> Lift(RxRing ring, RxFrame frame, uint hash)
    {
        int at = frame.FirstSlot;
        for (int i = 0; i < frame.SlotCount; i++, at = ring.Next(at))
            _frame[i] = new(ring[at].BufferIndex, ring[at].Length, hash, frame.SlotCount - i);
        return _frame.AsSpan(0, frame.SlotCount);
    }

    /// <summary>Finds a place for a frame; its pieces get the buffers that are free in return, their own if it is dropped.</summary>
    private void Forward(int group, Span<Piece> frame)
    {
        OutputPipe output = _groups[group][frame[0].Hash % (uint)_groups[group].Length];
        if (output.Waiting == 0 && output.HasRoom(frame.Length))
        {
            foreach (ref Piece piece in frame)
                piece = piece with { Buffer = output.Place(piece) };
        }
        else if (output.CanQueue(frame.Length) && HasBuffers(frame.Length))
        {
            foreach (ref Piece piece in frame)
            {
                output.Enqueue(piece);
                piece = piece with { Buffer = _extra.Take() };
            }
        }
        else
        {
            output.Drop(frame);
        }
    }

    /// <summary>So many free buffers; if need be the longest queue loses its oldest frames.</summary>
    private bool HasBuffers(int count)
    {
        while (_extra.Count < count)
        {
            OutputPipe longest = _all.MaxBy(output => output.Waiting)!;
            if (longest.Waiting == 0)
                return false;
            Revoke(longest);
        }
        return true;
    }

    private void Revoke(OutputPipe output)
    {
        int left;
        int count = 0;
        do
        {
            Piece piece = output.Dequeue();
            _extra.Give(piece.Buffer);
            _revoked[count++] = piece;
            left = piece.Left;
        }
        while (left > 1);
        output.Drop(_revoked.AsSpan(0, count));
    }

    private void PassOn(OutputPipe output, int group)
    {
        while (output.Reclaim(_frame) is var count and > 0)
        {
            Span<Piece> frame = _frame.AsSpan(0, count);
            if (group + 1 < _groups.Length)
                Forward(group + 1, frame);
            output.Replace(frame);
        }
    }

    private bool Drain(OutputPipe output)
    {
        bool any = false;
        while (output.Waiting > 0 && output.HasRoom(output.Peek().Left))
        {
            for (int left = output.Peek().Left; left > 0; left--)
                _extra.Give(output.Place(output.Dequeue()));
            any = true;
        }
        return any;
    }
}
