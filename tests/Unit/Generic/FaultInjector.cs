using Netmap.Devices;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Generic;

/// <summary>
/// A decorator around a device that makes it misbehave as real ones do: refuses frames, runs out of mbufs, completes late
/// and in any order, fails to start, goes away.
/// </summary>
internal sealed class FaultInjector(IDevice inner) : IDevice, IDeviceFactory
{
    public DeviceSetup? Setup { get; private set; }

    /// <summary>Frames the device still takes before it refuses.</summary>
    public int Room { get; set; } = int.MaxValue;

    /// <summary>Mbufs that can still be had.</summary>
    public int Mbufs { get; set; } = int.MaxValue;

    /// <summary>Keeps a reference on every frame until <see cref="Complete"/>.</summary>
    public bool CompleteLate { get; set; }

    public NetmapException? FailStart { get; set; }

    public bool FailRings { get; set; }

    /// <summary>Called when it is told of more rings.</summary>
    public Action? RingsAsked { get; set; }

    /// <summary>Ring sets it was told on the way out.</summary>
    public List<bool[]> Closed { get; } = [];

    public int Starts { get; private set; }

    public int Stops { get; private set; }

    public int Transmits { get; private set; }

    public DeviceInfo? Pretend { get; set; }

    /// <summary>Frames in the device, oldest first.</summary>
    public List<Mbuf> InFlight { get; } = [];

    public IDeviceEvents Events => Setup!.Events;

    public string? Identify(string name) => name == "f0" ? "fault" : null;

    public IDevice Open(string name) => this;

    public DeviceInfo Describe() => Pretend ?? inner.Describe();

    public void Start(DeviceSetup setup)
    {
        if (FailStart is not null)
            throw FailStart;
        inner.Start(setup);
        Setup = setup;
        Starts++;
    }

    public void Stop()
    {
        Stops++;
        inner.Stop();
    }

    public void SetReceiveRings(ReadOnlySpan<bool> on)
    {
        RingsAsked?.Invoke();
        if (FailRings)
            throw new NetmapException(Errno.EPERM, "open", "f0", "injected");
        inner.SetReceiveRings(on);
    }

    public void CloseReceiveRings(ReadOnlySpan<bool> on)
    {
        Closed.Add(on.ToArray());
        inner.CloseReceiveRings(on);
    }

    public void RefreshCounters() => inner.RefreshCounters();

    public ITxQueue TxQueue(int index) => new Queue(this, inner.TxQueue(index));

    public IRxQueue RxQueue(int index) => inner.RxQueue(index);

    public void Dispose() => inner.Dispose();

    /// <summary>Completes the frame at this place of <see cref="InFlight"/>.</summary>
    public void Complete(int place)
    {
        Mbuf frame = InFlight[place];
        InFlight.RemoveAt(place);
        frame.Free();
    }

    private sealed class Queue(FaultInjector device, ITxQueue inner) : ITxQueue
    {
        public DeviceWait Wait => inner.Wait;

        public Mbuf? Allocate() => device.Mbufs-- > 0 ? inner.Allocate() : null;

        public int Transmit(ReadOnlySpan<Mbuf> frames, out Errno refusal)
        {
            device.Transmits++;
            int taken = Math.Min(device.Room, frames.Length);
            foreach (Mbuf frame in frames[..taken])
            {
                if (!device.CompleteLate)
                    continue;
                frame.AddReference();
                device.InFlight.Add(frame);
            }
            device.Room -= device.Room == int.MaxValue ? 0 : taken;
            int sent = inner.Transmit(frames[..taken], out refusal);
            if (taken < frames.Length)
                refusal = Errno.ENOBUFS;
            return sent;
        }

        public void Reap() => inner.Reap();
    }
}
