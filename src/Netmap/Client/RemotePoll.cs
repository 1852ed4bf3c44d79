using System.Diagnostics;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>poll(2) on a server's file: look, arm, sleep on the session's socket.</summary>
internal static unsafe class RemotePoll
{
    /// <returns>poll(2) bits; 0 after the timeout; POLLERR when the server is gone.</returns>
    /// <exception cref="OperationCanceledException"/>
    public static short Run(ClientSession session, short events, TimeSpan timeout, CancellationToken cancellation)
    {
        session.Sync(NmsH.NMS_OP_POLL, 0, events, out short found);
        if (found != 0 || timeout == TimeSpan.Zero)
            return found;
        cancellation.ThrowIfCancellationRequested();
        using Bell? cancelled = cancellation.CanBeCanceled ? new Bell() : null;
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(static bell => ((Bell?)bell)?.Ring(), cancelled);
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            session.Sync(NmsH.NMS_OP_POLL, NmsH.NMS_FLAG_ARM | NmsH.NMS_FLAG_LINGER, events, out found);
            TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - Stopwatch.GetElapsedTime(started);
            if (found != 0 || (left <= TimeSpan.Zero && left != Timeout.InfiniteTimeSpan))
                return found;
            cancellation.ThrowIfCancellationRequested();
            if (session.Linger())
                continue;
            Sleep(session, cancelled, left);
            session.EndSleep();
            if (!session.Drain())
                return Poll.POLLERR;
        }
    }

    private static void Sleep(ClientSession session, Bell? cancelled, TimeSpan left)
    {
        pollfd* descriptors = stackalloc pollfd[2];
        descriptors[0] = new() { fd = session.Descriptor, events = Poll.POLLIN };
        descriptors[1] = new() { fd = cancelled?.Descriptor ?? -1, events = Poll.POLLIN };
        timespec time = new() { tv_sec = left.Ticks / TimeSpan.TicksPerSecond, tv_nsec = left.Ticks % TimeSpan.TicksPerSecond * 100 };
        Poll.ppoll(descriptors, 2, left == Timeout.InfiniteTimeSpan ? null : &time);
    }
}

/// <summary>The same for asynchronous waits: <see cref="AsyncPoller"/> sleeps for them.</summary>
internal sealed class RemoteLook(RemotePortFile file) : IAsyncLook
{
    private ClientSession? _session;

    public int MaxDescriptors => 1;

    public bool Begin()
    {
        try
        {
            _session = file.Rent();
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    public void End() => file.Return(_session!);

    public short Look(short events, bool arm)
    {
        if (arm)
            return !_session!.Drain() || !file.IsBound ? Poll.POLLERR : Sync(_session, NmsH.NMS_FLAG_ARM, events);
        ClientSession session = file.Rent();
        short found = Sync(session, 0, events);
        file.Return(session);
        return found;
    }

    public int PrepareSleep(Span<pollfd> descriptors, short events, ref TimeSpan left)
    {
        descriptors[0] = new() { fd = _session!.Descriptor, events = Poll.POLLIN };
        return 1;
    }

    private static short Sync(ClientSession session, byte flags, short events)
    {
        session.Sync(NmsH.NMS_OP_POLL, flags, events, out short found);
        return found;
    }
}
