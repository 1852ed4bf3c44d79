using Netmap.Server;

namespace Netmap.Tests.Unit.Server;

/// <summary>Ports of a server through the same API as ports of this process.</summary>
public sealed class RemotePortTests : IDisposable
{
    private static readonly TimeSpan s_generous = TimeSpan.FromSeconds(30);

    private static readonly byte[] s_broadcast = [.. Enumerable.Repeat((byte)0xff, 6), 2, .. new byte[53]];

    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void FramesCrossAPipeBetweenTwoClients()
    {
        using NetmapPort sender = _server.Open("netmap:x{1");
        using NetmapPort receiver = _server.Open("netmap:x}1");
        for (int i = 0; i < 3000; i++)
        {
            Assert.True(sender.TxRings[0].TrySend([(byte)i, (byte)(i >> 8), 3]));
            sender.TxSync();
            Assert.Equal(PollEvents.Receive, receiver.Poll(PollEvents.Receive, s_generous));
            foreach (RxFrame frame in receiver.RxRings[0])
                Assert.Equal([(byte)i, (byte)(i >> 8), 3], frame.Data.ToArray());
            receiver.RxSync();
        }
    }

    [Fact]
    public async Task ASleepingReaderWakes()
    {
        using NetmapPort sender = _server.Open("vale0:a");
        using NetmapPort receiver = _server.Open("vale0:b");
        Task<PollEvents> reader = Task.Run(() => receiver.Poll(PollEvents.Receive, s_generous), TestContext.Current.CancellationToken);
        Thread.Sleep(100);
        Assert.False(reader.IsCompleted);
        sender.TxRings[0].TrySend(s_broadcast);
        sender.TxSync();
        Assert.Equal(PollEvents.Receive, await reader.WaitAsync(s_generous));
        Assert.Equal(1, receiver.RxRings[0].Available);
    }

    [Fact]
    public async Task AnAsynchronousWaitCompletes()
    {
        using NetmapPort sender = _server.Open("vale0:a");
        using NetmapPort receiver = _server.Open("vale0:b");
        for (int i = 0; i < 20; i++)
        {
            ValueTask<PollEvents> wait = receiver.WaitForReceiveAsync(TestContext.Current.CancellationToken);
            Assert.False(wait.IsCompleted);
            sender.TxRings[0].TrySend(s_broadcast);
            sender.TxSync();
            Assert.Equal(PollEvents.Receive, await wait.AsTask().WaitAsync(s_generous));
            receiver.RxRings[0].Advance(1);
        }
    }

    [Fact]
    public void PollEndsAtItsTimeAndWhenCancelled()
    {
        using NetmapPort port = _server.Open("vale0:a");
        Assert.Equal(PollEvents.None, port.Poll(PollEvents.Receive, TimeSpan.FromMilliseconds(20)));
        Assert.Equal(PollEvents.Transmit, port.Poll(PollEvents.Transmit | PollEvents.Receive, s_generous));
        using CancellationTokenSource soon = new(50);
        Assert.Throws<OperationCanceledException>(() => port.Poll(PollEvents.Receive, Timeout.InfiniteTimeSpan, soon.Token));
    }

    [Fact]
    public void RefusalsHaveTheirWords()
    {
        using NetmapPort port = _server.Open("vale0:a/x");
        NetmapException busy = Assert.Throws<NetmapException>(() => _server.Open("vale0:a"));
        Assert.Equal("EBUSY", busy.ErrorName);
        Assert.Contains("another user holds the rings exclusively", busy.Message);
        Assert.Equal("ENXIO", Assert.Throws<NetmapException>(() => _server.Open("netmap:nosuch0")).ErrorName);
        Assert.Equal("ECONNREFUSED", Assert.Throws<NetmapException>(() => NetmapPort.Open("vale0:b", new() { Host = "@nobody-is-here" })).ErrorName);
    }

    [Fact]
    public void InfoAndStatisticsComeFromTheServer()
    {
        using NetmapPort port = _server.Open("vale0:a@conf:rings=2");
        port.TxRings[1].TrySend(s_broadcast);
        port.TxSync();
        Assert.Equal(("vale0:a", "vale", 2), (port.Info.Name, port.Info.Adapter, port.Info.TxRings));
        Assert.Equal(1, port.GetStatistics().Tx[1].Syncs);
        PortInfo other = NetmapPort.QueryHost("vale0:a", _server.Host);
        Assert.Equal(port.Info.MemoryId, other.MemoryId);
    }

    [Fact]
    public void SwitchesOfAServerAreControlled()
    {
        using HostSwitches switches = new(_server.Host);
        PersistentPort made = switches.CreatePort("v7", new());
        Assert.Equal(1, made.TxRings);
        switches.Attach("vale3:v7", hostRings: false, memory: 0);
        SwitchPortAddress listed = Assert.Single(switches.List());
        Assert.Equal(("vale3:v7", listed), (listed.Name, switches.Find("vale3:v7")));
        Assert.Equal("EBUSY", Assert.Throws<NetmapException>(() => switches.DeletePort("v7")).ErrorName);
        switches.Detach("vale3:v7");
        switches.DeletePort("v7");
        Assert.Empty(switches.List());
    }

    [Fact]
    public void ClosingGivesEverythingBack()
    {
        for (int i = 0; i < 50; i++)
        {
            using NetmapPort port = _server.Open("netmap:p{1", new() { ExtraBuffers = 100 });
            Assert.Equal(100, port.ExtraBufferCount);
        }
        _server.WaitForFiles(0);
        Assert.Null(_server.Engine.Core.Switches.FindPersistent("p"));
    }

    [Fact]
    public async Task AServerThatEndsIsAnErrorNotAHang()
    {
        NetmapPort port = _server.Open("vale0:a");
        Task<PollEvents> reader = Task.Run(() => port.Poll(PollEvents.Receive, Timeout.InfiniteTimeSpan), TestContext.Current.CancellationToken);
        Thread.Sleep(50);
        _server.Server.Dispose();
        Assert.Equal(PollEvents.Error, await reader.WaitAsync(s_generous));
        Assert.Equal("EIO", Assert.Throws<NetmapException>(port.TxSync).ErrorName);
        Assert.Equal("EIO", Assert.Throws<NetmapException>(() => port.Info).ErrorName);
        port.Dispose();
    }
}
