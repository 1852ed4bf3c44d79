using Netmap.Cli.Bench.Software;
using Netmap.Links;

namespace Netmap.Cli.Bench.Native;

/// <summary>What carries the frames of a ping-pong.</summary>
internal enum Carrier
{
    /// <summary>Native ports as they open by default.</summary>
    Native,

    /// <summary>Native ports with XDP sockets alone.</summary>
    Plain,

    Udp,
    Packet,
}

/// <summary>A frame of 60 bytes there and back over one veth pair: native ports, UDP sockets or packet sockets.</summary>
internal sealed class WireLatencyBench : IDisposable
{
    private const string NearMac = "02:00:00:00:0d:00";
    private const string FarMac = "02:00:00:00:0d:01";
    private const string NearAddress = "10.66.1.1";
    private const string FarAddress = "10.66.1.2";

    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();
    private readonly Wire _wire;

    public WireLatencyBench()
    {
        _wire = new Wire(_near, "b0", _far, "b1");
        _near.SetMac("b0", NearMac);
        _far.SetMac("b1", FarMac);
        _near.AddAddress("b0", NearAddress + "/24");
        _far.AddAddress("b1", FarAddress + "/24");
        _near.AddNeighbor("b0", FarAddress, FarMac);
        _far.AddNeighbor("b1", NearAddress, NearMac);
    }

    /// <exception cref="TimeoutException">A frame did not come back.</exception>
    public void Run(Carrier carrier, bool blocking, long trips, LatencyResult result)
    {
        if (carrier is Carrier.Native or Carrier.Plain)
        {
            Native(carrier == Carrier.Native ? NativeGear.Auto : NativeGear.Plain, blocking, trips, result);
            return;
        }
        using SocketEnd near = carrier == Carrier.Udp
            ? _near.Run(() => SocketEnd.Udp(NearAddress, FarAddress, blocking))
            : _near.Run(() => SocketEnd.Packet(IndexOf(_near, "b0"), NearMac, FarMac, blocking));
        using SocketEnd far = carrier == Carrier.Udp
            ? _far.Run(() => SocketEnd.Udp(FarAddress, NearAddress, blocking))
            : _far.Run(() => SocketEnd.Packet(IndexOf(_far, "b1"), FarMac, NearMac, blocking));
        new PingPong(near, far).Run(trips, result);
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    private static int IndexOf(NetworkNamespace space, string name) => space.List().Single(link => link.Name == name).Index;

    private void Native(NativeGear gear, bool blocking, long trips, LatencyResult result)
    {
        using NetmapEngine engine = new(new WireCase(gear, 60).Engine);
        using NetmapPort near = _wire.OpenNear(engine, "");
        using NetmapPort far = _wire.OpenFar(engine, "");
        result.Port = far.Info;
        byte[] frame = Frames.Make(60);
        new PingPong(new PortEnd(near, frame, blocking), new PortEnd(far, frame, blocking)).Run(trips, result);
    }
}
