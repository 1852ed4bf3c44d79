namespace Netmap.Tests.Unit.Control;

/// <summary>What an exception within a sync leaves behind: nothing that anybody would wait for.</summary>
public sealed class SyncFaultTests
{
    [Fact]
    public void APortWhoseSyncThrewClosesAndOpensAgain()
    {
        Broken clock = new();
        using NetmapEngine engine = new(new NetmapEngineOptions { Clock = clock });
        using NetmapPort port = NetmapPort.Open("netmap:p{1", engine: engine);
        clock.Throws = true;
        Assert.Throws<InvalidOperationException>(() => port.RxSync());
        Assert.Throws<InvalidOperationException>(() => port.Poll(PollEvents.Receive, TimeSpan.Zero));
        clock.Throws = false;
        Thread closer = new(port.Dispose) { IsBackground = true };
        closer.Start();
        Assert.True(closer.Join(TimeSpan.FromSeconds(30)));
        NetmapPort.Open("netmap:p{1", engine: engine).Dispose();
    }

    private sealed class Broken : TimeProvider
    {
        public bool Throws { get; set; }

        public override DateTimeOffset GetUtcNow() => Throws ? throw new InvalidOperationException("no time") : base.GetUtcNow();
    }
}
