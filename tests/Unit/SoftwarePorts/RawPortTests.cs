using Netmap.Interop;

namespace Netmap.Tests.Unit.SoftwarePorts;

/// <summary>Tests of an engine with ports as C programs have them, which are closed in the end.</summary>
public abstract class RawPortTests : IDisposable
{
    private protected RawPortTests(NetmapEngineOptions? options = null) => Engine = new NetmapEngine(options ?? new());

    private protected NetmapEngine Engine { get; }

    /// <summary>All that were opened.</summary>
    private protected List<RawPort> Ports { get; } = [];

    public void Dispose()
    {
        foreach (RawPort port in Ports)
            port.Dispose();
        Engine.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected RawPort Open(string name, ulong flags = 0) =>
        Open(name, new nmreq_register { nr_mode = NetmapReq.NR_REG_ALL_NIC, nr_flags = flags });

    private protected RawPort Open(string name, nmreq_register body)
    {
        RawPort port = new(Engine);
        Ports.Add(port);
        Assert.Equal(Errno.Success, port.Bind(name, body));
        return port;
    }
}
