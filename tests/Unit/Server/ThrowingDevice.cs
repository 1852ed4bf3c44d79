using Netmap.Devices;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Server;

/// <summary>Where a <see cref="ThrowingDevice"/> throws.</summary>
public enum Fault
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>In a sync, before anything is sent.</summary>
    Allocate,

    /// <summary>In a sync, as frames are sent.</summary>
    Transmit,

    /// <summary>In a sync that receives.</summary>
    Receive,

    /// <summary>In a sync that receives: it does not throw, it does not come back before the fault is taken away.</summary>
    Hang,

    /// <summary>As the worker gets ready to sleep for a client.</summary>
    PrepareWait,

    /// <summary>As the worker asks what to sleep on.</summary>
    Wait,

    /// <summary>As a port closes.</summary>
    Stop,

    /// <summary>In a request, as a port's counters are asked for.</summary>
    RefreshCounters,

    /// <summary>In a request, as a name is looked up.</summary>
    Identify,
}

/// <summary>A device with a defect, of the kind that no caller reckons with.</summary>
internal sealed class ThrowingDevice(IDevice inner) : IDevice, IDeviceFactory
{
    public const string Words = "a defect was put here";

    private volatile Fault _fault;

    public Fault Fault
    {
        get => _fault;
        set => _fault = value;
    }

    public string? Identify(string name)
    {
        Pass(Fault.Identify);
        return name == "f0" ? "fault" : null;
    }

    public IDevice Open(string name) => this;

    public DeviceInfo Describe() => inner.Describe();

    public void Start(DeviceSetup setup) => inner.Start(setup);

    public void Stop()
    {
        Pass(Fault.Stop);
        inner.Stop();
    }

    public void SetReceiveRings(ReadOnlySpan<bool> on) => inner.SetReceiveRings(on);

    public void CloseReceiveRings(ReadOnlySpan<bool> on) => inner.CloseReceiveRings(on);

    public void RefreshCounters()
    {
        Pass(Fault.RefreshCounters);
        inner.RefreshCounters();
    }

    public ITxQueue TxQueue(int index) => new Tx(this, inner.TxQueue(index));

    public IRxQueue RxQueue(int index) => new Rx(this, inner.RxQueue(index));

    public void Dispose() => inner.Dispose();

    private void Pass(Fault here)
    {
        if (_fault == here)
            throw new InvalidOperationException(Words);
    }

    private sealed class Tx(ThrowingDevice device, ITxQueue inner) : ITxQueue
    {
        public DeviceWait Wait => inner.Wait;

        public Mbuf? Allocate()
        {
            device.Pass(Fault.Allocate);
            return inner.Allocate();
        }

        public int Transmit(ReadOnlySpan<Mbuf> frames, out Errno refusal)
        {
            device.Pass(Fault.Transmit);
            return inner.Transmit(frames, out refusal);
        }

        public void Reap() => inner.Reap();
    }

    private sealed class Rx(ThrowingDevice device, IRxQueue inner) : IRxQueue
    {
        public Errno Poll(int budget)
        {
            device.Pass(Fault.Receive);
            SpinWait.SpinUntil(() => device.Fault != Fault.Hang);
            return inner.Poll(budget);
        }

        public bool PrepareWait()
        {
            device.Pass(Fault.PrepareWait);
            return inner.PrepareWait();
        }

        public DeviceWait Wait
        {
            get
            {
                device.Pass(Fault.Wait);
                return inner.Wait;
            }
        }
    }
}
