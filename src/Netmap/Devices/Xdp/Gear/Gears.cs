using Netmap.Links;

namespace Netmap.Devices.Xdp.Gear;

/// <summary>The fast paths of one interface: what its XDP program needs to hold, and their rings.</summary>
internal sealed class Gears : IDisposable
{
    private readonly int _interfaceIndex;
    private readonly GearCarrier? _carrier;
    private readonly XdpFeatures _features;

    /// <param name="txRings">Transmit rings.</param>
    /// <param name="rxQueues">Receive queues.</param>
    /// <param name="fragmented">Frames of several buffers may come.</param>
    /// <param name="mayBePartial">Checksums of received frames may have been left to hardware that is not there.</param>
    /// <param name="pool">netmap's memory, where programs reach it.</param>
    /// <param name="interfaceIndex">In the calling thread's namespace.</param>
    /// <param name="port">For errors.</param>
    /// <exception cref="NetmapException">EPERM, ENOMEM.</exception>
    public Gears(int txRings, int rxQueues, bool fragmented, bool mayBePartial, GearPool? pool, int interfaceIndex, string port)
    {
        _interfaceIndex = interfaceIndex;
        Tx = new GearTx(txRings, pool, interfaceIndex, port);
        try
        {
            _carrier = new GearCarrier(Tx, port);
            Tx.Program = _carrier.Program;
            Rx = new GearRx(rxQueues, fragmented, mayBePartial, pool, port);
            _features = new XdpFeatures(interfaceIndex);
        }
        catch
        {
            Rx?.Dispose();
            _carrier?.Dispose();
            Tx.Dispose();
            throw;
        }
    }

    public GearTx Tx { get; }

    public GearRx Rx { get; }

    /// <summary>Null before <see cref="WillSend"/>, and where the kernel does not let us count.</summary>
    public GearLoss? Loss { get; private set; }

    /// <summary>Frames that the interface takes and loses will not be counted.</summary>
    public bool IsLossUnknown { get; private set; }

    /// <summary>Programs in the kernel beside the interface's own.</summary>
    public IEnumerable<PortProgram> Programs => [_carrier!.Describe(), .. Loss?.Programs ?? []];

    /// <summary>Frames given to the interface now would be sent.</summary>
    public bool CanSend => _features.TakesRedirects;

    /// <summary>What one ring asks before each run, on its own thread.</summary>
    public XdpFeatures MakeFeatures() => new(_interfaceIndex);

    /// <summary>
    /// Frames will be sent: from now on those that the interface loses are counted. The calling thread is in its namespace. Not before,
    /// since the kernel asks each such program about every batch that anybody sends.
    /// </summary>
    /// <exception cref="NetmapException">ENOMEM.</exception>
    public void WillSend(string port)
    {
        if (Loss is null && !IsLossUnknown)
            IsLossUnknown = (Loss = GearLoss.TryStart(Tx.Interface, _interfaceIndex, port)) is null;
    }

    public void Dispose()
    {
        _features.Dispose();
        Loss?.Dispose();
        Rx.Dispose();
        _carrier!.Dispose();
        Tx.Dispose();
    }
}
