using Netmap.Adapters;
using Netmap.Control;
using Netmap.Devices;
using Netmap.Devices.Memory;

namespace Netmap.Tests.Unit.Control;

/// <summary>An interface that goes away while it is being opened.</summary>
public sealed class ReplaceTests
{
    [Fact]
    public void AnInterfaceThatIsGoneWhenAnotherAdapterIsToTakeItsPlaceIsENXIO()
    {
        Vanishing factory = new();
        Engine engine = new(new NetmapEngineOptions { BufferCount = 4100 }, [factory]);
        lock (engine.ControlLock)
        {
            NetmapAdapter present = engine.Acquire(engine.Own, "m0");
            factory.IsGone = true;
            NetmapException gone = Assert.Throws<NetmapException>(() => engine.Replace(present, one => AdapterChoice.MakeGeneric(engine, present.OwnMemory, "m0", one, null)));
            Assert.Equal("open m0: the interface went away, or has another name, while it was being opened (ENXIO)", gone.Message);
            engine.Release(present);
        }
        engine.Dispose();
    }

    private sealed class Vanishing : IDeviceFactory
    {
        private readonly MemoryDeviceFactory _pair = new("m0", "m1", new MemoryPairOptions());

        public bool IsGone { get; set; }

        public string? Identify(string name) => IsGone ? null : _pair.Identify(name);

        public IDevice Open(string name) => _pair.Open(name);
    }
}
