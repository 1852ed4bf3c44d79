using Netmap.Devices.Memory;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Host;

/// <summary>A wire in memory with a host behind one end, <c>h0</c>; frames it sends reach <c>wire</c> unless they are taken.</summary>
internal sealed class HostLab : IDisposable
{
    private readonly MemoryDeviceFactory _pair;

    public HostLab(int queues = 1, int slots = 16, NetmapEngineOptions? engine = null)
    {
        _pair = new("h0", "wire", new MemoryPairOptions { Queues = queues, Slots = slots });
        Engine = new NetmapEngine(engine ?? new(), [_pair]);
    }

    public NetmapEngine Engine { get; }

    /// <summary>The host's stack behind h0.</summary>
    public MemoryHost Host => _pair.Ends[0].Stack;

    public MemoryDevice Device => _pair.Ends[0];

    public NetmapPort Open(string suffix) => NetmapPort.Open("netmap:h0" + suffix, engine: Engine);

    public NetmapPort OpenWire() => NetmapPort.Open("netmap:wire", engine: Engine);

    public RawPort Bind(uint mode, ushort ring = 0, ulong flags = 0, Errno expected = Errno.Success)
    {
        RawPort port = new(Engine);
        Assert.Equal(expected, port.Bind("h0", mode, ring, flags));
        return port;
    }

    /// <summary>A frame whose bytes tell its number.</summary>
    public static byte[] Frame(int number, int length = 60)
    {
        byte[] frame = new byte[length];
        frame.AsSpan().Fill((byte)number);
        return frame;
    }

    public void Dispose() => Engine.Dispose();
}
