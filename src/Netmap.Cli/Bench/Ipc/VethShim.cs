using Netmap.Cli.Bench.Native;
using Netmap.Links;
using Netmap.Server;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>
/// A port on a veth pair, its far end served by this process: a C program through the server, and beside it the same work in this process,
/// in the same gear.
/// </summary>
internal sealed class VethShim : IDisposable
{
    private static readonly NetmapEngineOptions s_engine = new WireCase(NativeGear.Auto, 60).Engine;
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(500);

    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();
    private readonly Wire _wire;
    private readonly bool _sends;
    private readonly int _batch;

    /// <param name="sends">What is measured is sending; else receiving.</param>
    /// <param name="batch">Frames a sync.</param>
    public VethShim(bool sends, int batch)
    {
        (_sends, _batch) = (sends, batch);
        _wire = new Wire(_near, "b0", _far, "b1");
    }

    public const string Peer = "in process";

    /// <summary>The C program through the server.</summary>
    public IpcReport Shim(NetmapServerOptions options, TimeSpan window)
    {
        using IpcHost host = _near.Run(() => new IpcHost(options, s_engine));
        using IpcClient client = IpcClient.Shim(host.Address, _sends ? "netmap:b0/T" : "netmap:b0/R", _sends ? "tx" : "rx", window, _batch);
        if (_sends)
        {
            client.Go();
            return Arrived(window);
        }
        using Load load = new(_wire);
        client.Go();
        return client.Report();
    }

    /// <summary>The same on a thread of this process.</summary>
    public IpcReport InProcess(TimeSpan window)
    {
        using NetmapEngine engine = new(s_engine);
        using NetmapPort port = _wire.OpenNear(engine, _sends ? "/T" : "/R");
        using Load? load = _sends ? null : new(_wire);
        long packets = 0;
        bool over = false;
        Thread thread = new(() =>
        {
            IpcPeer.Fill(port);
            while (!Volatile.Read(ref over))
                Volatile.Write(ref packets, packets + (_sends ? IpcPeer.Send(port, _batch) : IpcPeer.Receive(port)));
        });
        thread.Start();
        try
        {
            return _sends ? Arrived(window) : Count(window, () => Volatile.Read(ref packets));
        }
        finally
        {
            Volatile.Write(ref over, true);
            thread.Join();
        }
    }

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    /// <summary>What comes out at the far end, where a port drops it: its rings are full at once.</summary>
    private IpcReport Arrived(TimeSpan window)
    {
        using NetmapEngine engine = new(s_engine);
        using NetmapPort sink = _wire.OpenFar(engine, "/R");
        return Count(window, () => _wire.ArrivedFar);
    }

    private static IpcReport Count(TimeSpan window, Func<long> packets)
    {
        Thread.Sleep(s_settle);
        long before = packets();
        Meter meter = new();
        Thread.Sleep(window);
        long count = packets() - before;
        return new() { Packets = count, Mpps = meter.Stop(count, 0, 0).Mpps };
    }

    /// <summary>Sends to the near end as fast as it can, for both alike.</summary>
    private sealed class Load : IDisposable
    {
        private readonly NetmapEngine _engine = new(s_engine);
        private readonly NetmapPort _port;
        private readonly Running _sender;

        public Load(Wire wire)
        {
            _port = wire.OpenFar(_engine, "/T");
            _sender = new(stop => Wire.MakeSender(_port, 60, BenchLab.SendCpu, stop));
        }

        public void Dispose()
        {
            _sender.Dispose();
            _port.Dispose();
            _engine.Dispose();
        }
    }
}
