namespace Netmap.Tests.Schedules;

/// <summary>Senders on a lossless switch that find no room, leave their mark and sleep, and readers that make room.</summary>
public sealed class LosslessTests
{
    private const int Frames = 5;

    [Fact]
    public void UnicastIsNeitherLostNorLeftAsleep() => Explorer.Explore(Unicast);

    [Fact]
    public void BroadcastIsNeitherLostNorLeftAsleep() => Explorer.Explore(Broadcast);

    [Theory]
    [InlineData("InboundRing.MarkStarved:Exchange#0", Fault.NoStore)]
    [InlineData("InboundRing.MarkStarved:Exchange#0", Fault.NoFence)]
    [InlineData("InboundRing.TakeStarved:MemoryBarrier#0", Fault.NoFence)]
    public void ABrokenMarkIsFound(string place, Fault fault) => Explorer.MustFind(OneSender, place, fault);

    [Fact]
    public void OneSenderIsNotLeftAsleep() => Explorer.Explore(OneSender);

    private static void OneSender(Schedule schedule)
    {
        using NetmapEngine engine = Lab.NewEngine();
        using NetmapSwitch vale = Lab.LosslessSwitch(engine);
        using NetmapPort a = NetmapPort.Open("vale0:a", Lab.Small, engine);
        using NetmapPort reader = NetmapPort.Open("vale0:r", Lab.Small, engine);
        int next = 0;
        schedule.Together(
            ("a", () => Lab.Send(a, Frames + 2)),
            ("reader", () => Lab.Receive(reader, Frames + 2, (_, number) => Assert.Equal(next++, number))));
    }

    private static void Unicast(Schedule schedule)
    {
        using NetmapEngine engine = Lab.NewEngine();
        using NetmapSwitch vale = Lab.LosslessSwitch(engine);
        using NetmapPort a = NetmapPort.Open("vale0:a", Lab.Small, engine);
        using NetmapPort b = NetmapPort.Open("vale0:b", Lab.Small, engine);
        using NetmapPort reader = NetmapPort.Open("vale0:r", Lab.Small, engine);
        Lab.Send(reader, 1, from: 9);
        int[] next = new int[3];
        schedule.Together(
            ("a", () => Lab.Send(a, Frames, 9, 1)),
            ("b", () => Lab.Send(b, Frames, 9, 2)),
            ("reader", () => Lab.Receive(reader, 2 * Frames, (from, number) => Assert.Equal(next[from]++, number))));
    }

    private static void Broadcast(Schedule schedule)
    {
        using NetmapEngine engine = Lab.NewEngine();
        using NetmapSwitch vale = Lab.LosslessSwitch(engine);
        using NetmapPort a = NetmapPort.Open("vale0:a", Lab.Small, engine);
        using NetmapPort first = NetmapPort.Open("vale0:r", Lab.Small, engine);
        using NetmapPort second = NetmapPort.Open("vale0:s", Lab.Small, engine);
        int[] next = new int[2];
        schedule.Together(
            ("a", () => Lab.Send(a, Frames)),
            ("first", () => Lab.Receive(first, Frames, (_, number) => Assert.Equal(next[0]++, number))),
            ("second", () => Lab.Receive(second, Frames, (_, number) => Assert.Equal(next[1]++, number))));
    }
}
