using Microsoft.Extensions.Time.Testing;
using Netmap.Adapters;
using Netmap.Devices.Memory;
using Netmap.Rings;

namespace Netmap.Tests.Unit.Generic;

/// <summary>A generic adapter on one end of a wire in memory, its device under a <see cref="FaultInjector"/>; a fake clock.</summary>
internal sealed class GenericLab : IDisposable
{
    public GenericLab(MemoryPairOptions? options = null, NetmapEngineOptions? engine = null)
    {
        MemoryDeviceFactory pair = new("f0", "peer", options ?? new MemoryPairOptions { Slots = 16 });
        Device = new FaultInjector(pair.Ends[0]);
        Engine = new NetmapEngine((engine ?? new()) with { Clock = Clock }, [Device, pair]);
    }

    public FakeTimeProvider Clock { get; } = new();

    public FaultInjector Device { get; }

    public NetmapEngine Engine { get; }

    public NetmapPort Open(string suffix = "") => NetmapPort.Open("netmap:f0" + suffix, engine: Engine);

    /// <summary>The peer's end; frames sent to it wait in its rings.</summary>
    public NetmapPort OpenPeer() => NetmapPort.Open("netmap:peer", engine: Engine);

    /// <summary>The adapter behind an open port, through a raw file on the same rings.</summary>
    public NetmapAdapter AdapterOf(RawPort port) => port.File.Registration!.Adapter;

    public static void Fill(NetmapPort port, int frames, int length = 60)
    {
        for (int i = 0; i < frames; i++)
            Assert.True(port.TxRings[0].TrySend(new byte[length]), $"no room for frame {i}");
    }

    public void Dispose() => Engine.Dispose();

    /// <summary>Counts wake-ups of a ring.</summary>
    internal sealed class Bell : IWaiter
    {
        public int Rings { get; private set; }

        public void Wake() => Rings++;
    }
}
