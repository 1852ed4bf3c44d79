using Netmap.Interop;

namespace Netmap.Devices.Tap;

/// <summary>Both directions of a TAP descriptor: a read or a write for each frame.</summary>
internal sealed class TapQueue : ITxQueue, IRxQueue, IDisposable
{
    private readonly TapDevice _device;
    private readonly IDeviceEvents _events;
    private readonly RingCounters _tx;
    private readonly RingCounters _rx;
    private readonly MbufPool _txPool;
    private readonly MbufPool _rxPool;
    private readonly int _descriptor;
    private readonly int _longest;

    public TapQueue(TapDevice device, int descriptor, DeviceSetup setup, int mtu)
    {
        (_device, _descriptor, _events) = (device, descriptor, setup.Events);
        _tx = setup.TxCounters[0];
        _rx = setup.RxCounters[0];
        // Room for a VLAN tag.
        _longest = mtu + LinuxIfEther.ETH_HLEN + 4;
        _txPool = new MbufPool(setup.TxSlots + 1, setup.BufferSize);
        // One byte more than the longest frame: a read that fills the buffer was cut short.
        _rxPool = new MbufPool(setup.RxSlots + 2, _longest + 1);
    }

    /// <summary>A TAP takes a frame at once or drops it: there is nothing to wait for.</summary>
    DeviceWait ITxQueue.Wait => new(-1, 0, TimeSpan.FromMicroseconds(100));

    DeviceWait IRxQueue.Wait => new(_descriptor, Interop.Poll.POLLIN, Timeout.InfiniteTimeSpan);

    public Mbuf? Allocate() => _txPool.Allocate();

    public unsafe int Transmit(ReadOnlySpan<Mbuf> frames, out Errno refusal)
    {
        refusal = Errno.Success;
        for (int i = 0; i < frames.Length; i++)
        {
            Mbuf frame = frames[i];
            SysResult written = frame.Length > _longest
                ? SysResult.Error(Errno.EMSGSIZE)
                : Unistd.write(_descriptor, frame.Data, (nuint)frame.Length);
            if (written.IsError && !Drop(frame, written.Errno, out refusal))
                return i;
            frame.Free();
        }
        return frames.Length;
    }

    public void Reap()
    {
        // Completed when write returned.
    }

    public unsafe Errno Poll(int budget)
    {
        for (int i = 0; i < budget; i++)
        {
            Mbuf? frame = _rxPool.Allocate();
            if (frame is null)
                break;
            SysResult read = Unistd.read(_descriptor, frame.Data, (nuint)frame.Capacity);
            if (read.IsError)
            {
                frame.Free();
                // A TAP that is down has nothing to read either; once that is known, ask whether it came back.
                return read.Errno == Errno.EAGAIN && _device.Link == LinkState.Up ? Errno.Success : Refusal();
            }
            Deliver(frame, read.Int32);
        }
        return Errno.Success;
    }

    /// <summary>The kernel cuts a frame to the buffer and does not say so; it happens when the MTU was raised since the start.</summary>
    private void Deliver(Mbuf frame, int length)
    {
        if (length == frame.Capacity)
        {
            _rx.Drop(DropReason.Truncated);
            frame.Free();
            return;
        }
        frame.Length = length;
        _events.Receive(0, frame);
    }

    public bool PrepareWait() => _device.CheckLink() == LinkState.Up;

    public void Dispose()
    {
        _txPool.Dispose();
        _rxPool.Dispose();
    }

    /// <summary>True when the frame can never go: dropped with its reason. False when the interface refuses for now.</summary>
    private bool Drop(Mbuf frame, Errno error, out Errno refusal)
    {
        refusal = Errno.Success;
        DropReason? reason = error switch
        {
            Errno.EMSGSIZE => DropReason.ExceedsMtu,
            Errno.EINVAL when frame.Length < LinuxIfEther.ETH_HLEN => DropReason.TooShort,
            Errno.EINVAL => DropReason.Rejected,
            _ => null,
        };
        if (reason is { } why)
        {
            _tx.Drop(why);
            frame.Length = 0;
            return true;
        }
        refusal = error is Errno.EAGAIN or Errno.ENOBUFS ? error : Refusal() is var state and not Errno.Success ? state : Errno.EAGAIN;
        return false;
    }

    /// <summary>EIO and the like: the interface is down or gone.</summary>
    private Errno Refusal() => _device.CheckLink() switch
    {
        LinkState.Up => Errno.Success,
        LinkState.Down => Errno.ENETDOWN,
        _ => Errno.ENXIO,
    };
}
