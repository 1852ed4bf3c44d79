using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;
using Netmap.Vale;

namespace Netmap.Control;

/// <summary>
/// The thread of an interface on a switch: sleeps until the interface has frames, room, or news, and forwards. It takes
/// no lock, so that whoever holds the control lock may wait for its end.
/// </summary>
internal sealed unsafe class SwitchThread : IWaiter, IDisposable
{
    /// <summary>An interface that is down says nothing when it comes up again.</summary>
    private static readonly TimeSpan s_linkCheck = TimeSpan.FromMilliseconds(200);

    private readonly Bell _bell = new();
    private InterfacePort[] _ports = [];
    private Thread? _thread;
    private volatile bool _stopping;

    public void Start(string name, InterfacePort[] ports)
    {
        _ports = ports;
        _thread = new Thread(Run) { IsBackground = true, Name = $"netmap {name}" };
        _thread.Start();
    }

    /// <summary>Any thread; late calls do nothing.</summary>
    public void Wake() => _bell.Wake();

    /// <summary>When it returns the thread is gone.</summary>
    public void Dispose()
    {
        _stopping = true;
        _bell.Ring();
        _thread?.Join();
        _bell.Dispose();
    }

    private void Run()
    {
        int most = 1;
        foreach (InterfacePort port in _ports)
            most += port.Receive.Length + port.Transmit.Length;
        pollfd* descriptors = stackalloc pollfd[most];
        while (!_stopping)
        {
            // Armed before the look: news that come after it ring the bell.
            _bell.Arm();
            if (!Look())
                Sleep(new Span<pollfd>(descriptors, most));
        }
    }

    /// <summary>One pass over all rings; true when frames moved.</summary>
    private bool Look()
    {
        bool moved = false;
        foreach (InterfacePort port in _ports)
        {
            if (port.Link == LinkState.Gone)
                continue;
            foreach (TransmitSide side in port.Transmit)
            {
                if (side.NeedsCare)
                    side.Run(SyncFlags.ForceReclaim);
            }
            foreach (ReceiveSide side in port.Receive)
                moved |= !side.IsPolled && side.Run();
        }
        return moved;
    }

    private void Sleep(Span<pollfd> descriptors)
    {
        descriptors[0] = new() { fd = _bell.Descriptor, events = Poll.POLLIN };
        int count = 1;
        TimeSpan left = Timeout.InfiniteTimeSpan;
        foreach (InterfacePort port in _ports)
        {
            if (!Watch(port, descriptors, ref count, ref left))
                return;
        }
        timespec time = new() { tv_sec = left.Ticks / TimeSpan.TicksPerSecond, tv_nsec = left.Ticks % TimeSpan.TicksPerSecond * 100 };
        fixed (pollfd* all = descriptors)
            Poll.ppoll(all, (nuint)count, left == Timeout.InfiniteTimeSpan ? null : &time);
        if (descriptors[0].revents != 0)
            _bell.Drain();
    }

    /// <summary>What to sleep on for one port; false when there is something to do instead.</summary>
    private static bool Watch(InterfacePort port, Span<pollfd> descriptors, ref int count, ref TimeSpan left)
    {
        if (port.Link == LinkState.Gone)
            return true;
        if (port.Link == LinkState.Down)
        {
            Shorten(ref left, s_linkCheck);
            return true;
        }
        foreach (ReceiveSide side in port.Receive)
        {
            if (side.IsPolled)
                continue;
            if (!side.PrepareWait(out DeviceWait wait))
                return false;
            Add(wait, descriptors, ref count, ref left);
        }
        foreach (TransmitSide side in port.Transmit)
        {
            if (!side.NeedsCare)
                continue;
            if (!side.PrepareWait(out DeviceWait wait))
                return false;
            Add(wait, descriptors, ref count, ref left);
        }
        return true;
    }

    private static void Add(DeviceWait wait, Span<pollfd> descriptors, ref int count, ref TimeSpan left)
    {
        if (wait.Retry != Timeout.InfiniteTimeSpan)
            Shorten(ref left, wait.Retry);
        if (wait.Descriptor >= 0)
            descriptors[count++] = new() { fd = wait.Descriptor, events = wait.Events };
    }

    private static void Shorten(ref TimeSpan left, TimeSpan time)
    {
        if (left == Timeout.InfiniteTimeSpan || time < left)
            left = time;
    }
}
