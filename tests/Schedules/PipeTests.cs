namespace Netmap.Tests.Schedules;

/// <summary>A pipe of three usable slots: the two indices its ends share, and the sleep of each end.</summary>
public sealed class PipeTests
{
    private const int Frames = 6;

    [Fact]
    public void WhatIsSentArrivesOnceAndInOrder() => Explorer.Explore(Scenario);

    [Theory]
    [InlineData("WaitQueue.Wake:MemoryBarrier#0", Fault.NoFence)]
    [InlineData("PipeRing.Send:VolatileWrite#0", Fault.NoFence)]
    [InlineData("PipeRing.Receive:VolatileWrite#0", Fault.NoStore)]
    public void ABrokenPipeIsFound(string place, Fault fault) => Explorer.MustFind(Scenario, place, fault);

    private static void Scenario(Schedule schedule)
    {
        using NetmapEngine engine = Lab.NewEngine();
        using NetmapPort master = NetmapPort.Open("netmap:p{1", Lab.Small, engine);
        using NetmapPort slave = NetmapPort.Open("netmap:p}1", Lab.Small with { ExtraBuffers = 1 }, engine);
        int next = 0;
        schedule.Together(
            ("sender", () => Lab.Send(master, Frames)),
            ("receiver", () => Lab.Receive(slave, Frames, (_, number) => Assert.Equal(next++, number))));
        Assert.Equal(Frames, next);
    }
}
