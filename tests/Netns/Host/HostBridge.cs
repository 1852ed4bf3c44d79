namespace Netmap.Tests.Netns.Host;

/// <summary>
/// The bridge that every netmap user writes first: NIC rings to host rings and back, by exchanging buffers, a thread each
/// way. The host behind it should notice nothing.
/// </summary>
internal sealed class HostBridge : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread[] _threads;
    private Exception? _failure;

    public HostBridge(NetmapPort nic, NetmapPort host)
    {
        _threads = [new Thread(() => Run(nic, host)), new Thread(() => Run(host, nic))];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    public static NetmapPortOptions Options { get; } = new() { NoTransmitOnPoll = true };

    public void Dispose()
    {
        _stop.Cancel();
        foreach (Thread thread in _threads)
            thread.Join();
        _stop.Dispose();
        Assert.Null(_failure);
    }

    private void Run(NetmapPort from, NetmapPort to)
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                from.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(100));
                for (int i = 0; i < from.RxRings.Count; i++)
                    Exchange(from.RxRings[i], to.TxRings[i % to.TxRings.Count]);
                to.TxSync();
            }
        }
        catch (Exception failure)
        {
            _failure = failure;
        }
    }

    private static void Exchange(RxRing rx, TxRing tx)
    {
        int count = Math.Min(rx.Available, tx.Space);
        int from = rx.Head;
        int to = tx.Head;
        for (int i = 0; i < count; i++, from = rx.Next(from), to = tx.Next(to))
        {
            ref NetmapSlot source = ref rx[from];
            ref NetmapSlot target = ref tx[to];
            (source.BufferIndex, target.BufferIndex) = (target.BufferIndex, source.BufferIndex);
            target.Length = source.Length;
            target.Flags = (source.Flags & SlotFlags.MoreFragments) | SlotFlags.BufferChanged;
            source.Flags = SlotFlags.BufferChanged;
        }
        (tx.Head, tx.Cur) = (to, to);
        (rx.Head, rx.Cur) = (from, from);
    }
}
