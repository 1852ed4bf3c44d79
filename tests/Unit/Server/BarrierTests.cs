using Netmap.Devices.Memory;
using Netmap.Server;

namespace Netmap.Tests.Unit.Server;

/// <summary>An exception in what the server does for one client costs that client its file, and the others nothing.</summary>
public sealed class BarrierTests
{
    [Theory]
    [InlineData(Fault.Allocate)]
    [InlineData(Fault.Transmit)]
    [InlineData(Fault.Receive)]
    [InlineData(Fault.PrepareWait)]
    [InlineData(Fault.Wait)]
    [InlineData(Fault.Stop)]
    [InlineData(Fault.RefreshCounters)]
    [InlineData(Fault.Identify)]
    public void ADefectCostsOneClientItsFileAndIsToldWithItsStack(Fault fault)
    {
        using LogLines lines = new();
        using TestServer server = new(loggers: lines);
        ThrowingDevice device = new(new MemoryDeviceFactory("inner", "peer", new MemoryPairOptions { Slots = 16 }).Ends[0]);
        server.Engine.Core.AddFactory(device);
        using Bystanders honest = new(server);
        NetmapPort port = server.Open("netmap:f0");
        device.Fault = fault;
        try
        {
            Use(port, fault, server.Host);
        }
        catch (NetmapException gone)
        {
            Assert.Equal("EIO", gone.ErrorName);
        }
        server.WaitForFiles(2);
        device.Fault = Fault.None;
        Assert.Contains(lines.Problems, problem => problem.Contains(ThrowingDevice.Words, StringComparison.Ordinal)
            && problem.Contains(nameof(ThrowingDevice), StringComparison.Ordinal));
        honest.Await(1000);
        using (server.Open("vale0:next"))
            Assert.Equal(3, server.Server.GetStatus().Files.Count);
        port.Dispose();
    }

    /// <summary>What was posted after the work that throws is done all the same, and the endpoint is told.</summary>
    [Fact]
    public void WorkAndEndpointsAfterOneThatThrowsAreSeenTo()
    {
        List<Exception> problems = [];
        using EventLoop loop = new();
        using WakeUp first = new(problems.Add);
        using WakeUp second = new(problems.Add);
        loop.Add(first);
        loop.Add(second);
        int done = 0;
        first.Post(() => throw new InvalidOperationException("one"));
        first.Post(() => done++);
        second.Post(() => throw new OutOfMemoryException("two"));
        second.Post(() => done++);
        loop.Turn(0);
        Assert.Equal(2, done);
        Assert.Equal(["one", "two"], problems.Select(problem => problem.Message).Order());
        Assert.False(loop.IsBusy);
    }

    private static void Use(NetmapPort port, Fault fault, string host)
    {
        switch (fault)
        {
            case Fault.Stop:
                port.Dispose();
                break;
            case Fault.RefreshCounters:
                port.GetStatistics();
                break;
            case Fault.Identify:
                port.Dispose();
                NetmapPort.QueryHost("netmap:f0", host);
                break;
            case Fault.Allocate or Fault.Transmit:
                Assert.True(port.TxRings[0].TrySend(new byte[60]));
                port.TxSync();
                break;
            case Fault.Receive:
                port.RxSync();
                break;
            default:
                Assert.Equal(PollEvents.Error, port.Poll(PollEvents.Receive, TimeSpan.FromSeconds(30)));
                break;
        }
    }
}
