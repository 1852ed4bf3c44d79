using Microsoft.Extensions.Time.Testing;
using Netmap.Adapters.Generic;

namespace Netmap.Tests.Unit.Generic;

/// <summary>The mitigation timer of a receive ring (spec 5.5), on a fake clock.</summary>
public sealed class MitigationTests
{
    private static readonly TimeSpan s_period = TimeSpan.FromMicroseconds(100);

    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void TheFirstFrameNotifiesAndTheNextOnesWaitForTheTimer()
    {
        Mitigation mitigation = new(_clock, s_period);
        Assert.True(mitigation.FrameArrived());
        Assert.False(mitigation.FrameArrived());
        Assert.False(mitigation.FrameArrived());
        Assert.False(mitigation.Expire());
        _clock.Advance(s_period);
        Assert.True(mitigation.Expire());
        // Armed again from now.
        Assert.False(mitigation.FrameArrived());
        Assert.Equal(s_period, mitigation.Remaining);
    }

    [Fact]
    public void AnExpiryWithNothingPendingGoesIdle()
    {
        Mitigation mitigation = new(_clock, s_period);
        mitigation.FrameArrived();
        _clock.Advance(s_period);
        Assert.False(mitigation.Expire());
        Assert.Equal(Timeout.InfiniteTimeSpan, mitigation.Remaining);
        Assert.True(mitigation.FrameArrived());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(32.7)]
    public void ShortPeriodsAreOff(double microseconds)
    {
        Mitigation mitigation = new(_clock, TimeSpan.FromMicroseconds(microseconds));
        for (int i = 0; i < 5; i++)
            Assert.True(mitigation.FrameArrived());
        Assert.Equal(Timeout.InfiniteTimeSpan, mitigation.Remaining);
    }

    [Fact]
    public void ThirtyTwoThousandSevenHundredSixtyEightNanosecondsIsOn()
    {
        Mitigation mitigation = new(_clock, TimeSpan.FromMicroseconds(32.8));
        Assert.True(mitigation.FrameArrived());
        Assert.False(mitigation.FrameArrived());
    }

    /// <summary>2014: one timer for all rings; one ring's frames hid the others' arrivals.</summary>
    [Fact]
    public unsafe void EachRingHasItsOwnTimer()
    {
        using GenericLab lab = new(new MemoryPairOptions { Slots = 16, Queues = 2 });
        using RawPort port = new(lab.Engine);
        port.Bind("f0");
        GenericLab.Bell[] bells = [new(), new()];
        for (int i = 0; i < 2; i++)
            port.File.Registration!.RxRings[i].Waiters.Add(bells[i]);
        using Netmap.Devices.MbufPool pool = new(8, 64);
        foreach (int queue in (int[])[0, 0, 1, 0])
        {
            Netmap.Devices.Mbuf frame = pool.Allocate()!;
            frame.Length = 60;
            lab.Device.Events.Receive(queue, frame);
        }
        Assert.Equal((1, 1), (bells[0].Rings, bells[1].Rings));
    }
}
