namespace Netmap.Tests.Unit.Server;

/// <summary>Two honest clients of a server that exchange numbered frames over a pipe all the while.</summary>
internal sealed class Bystanders : IDisposable
{
    private static readonly TimeSpan s_generous = TimeSpan.FromSeconds(30);

    private readonly NetmapPort _sender;
    private readonly NetmapPort _receiver;
    private readonly Thread[] _threads;
    private volatile bool _stop;
    private long _sent;
    private long _received;
    private string? _wrong;

    /// <param name="server">Where.</param>
    /// <param name="port">Whose pipe; who shares its memory could write into the frames, and a port of a switch has memory of its own.</param>
    public Bystanders(TestServer server, string port = "netmap:honest")
    {
        _sender = server.Open(port + "{1");
        _receiver = server.Open(port + "}1");
        MemoryId = _sender.Info.MemoryId;
        _threads = [new(Send), new(Receive)];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>The memory their frames are in.</summary>
    public int MemoryId { get; }

    /// <summary>Waits until so many more frames have arrived, in order: the hostile client has not stopped them.</summary>
    public void Await(long frames)
    {
        long goal = Volatile.Read(ref _received) + frames;
        for (int i = 0; i < 3000 && Volatile.Read(ref _received) < goal && _wrong is null; i++)
            Thread.Sleep(10);
        Assert.Null(_wrong);
        Assert.True(Volatile.Read(ref _received) >= goal, $"{_received} of {_sent} frames arrived, waiting for {goal}");
    }

    public void Dispose()
    {
        _stop = true;
        foreach (Thread thread in _threads)
            Assert.True(thread.Join(s_generous));
        _sender.Dispose();
        _receiver.Dispose();
        Assert.Null(_wrong);
    }

    private void Send()
    {
        while (!_stop)
        {
            _sender.Poll(PollEvents.Transmit, TimeSpan.FromMilliseconds(50));
            while (_sender.TxRings[0].Space > 0 && _sender.TxRings[0].TrySend(BitConverter.GetBytes(_sent)))
                _sent++;
            _sender.TxSync();
        }
    }

    private void Receive()
    {
        while (!_stop)
        {
            _receiver.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(50));
            foreach (RxFrame frame in _receiver.RxRings[0])
            {
                if (frame.Length != 8 || BitConverter.ToInt64(frame.Data) != _received)
                    _wrong ??= $"frame {_received} has {frame.Length} bytes: {Convert.ToHexString(frame.Data)}";
                Volatile.Write(ref _received, _received + 1);
            }
        }
    }
}
