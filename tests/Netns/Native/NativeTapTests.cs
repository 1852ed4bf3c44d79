namespace Netmap.Tests.Netns.Native;

/// <summary>Monitors and pipes whose parent is a native port.</summary>
public sealed class NativeTapTests
{
    private const int Frames = 2000;

    public NativeTapTests() => Privileges.RequireBpf();

    /// <summary>A copying monitor sees what the port received, which the port still has.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void AMonitorHasACopyOfWhatIsReceivedAndSent(NativeGear gear)
    {
        using NativePair pair = new(gear);
        (NetmapPort left, NetmapPort right) = pair;
        using NetmapPort received = pair.Lab.OpenLeft("/r");
        using NetmapPort sent = pair.Lab.OpenLeft("/t");
        for (int i = 0; i < Frames; i++)
        {
            NativeLab.Send(right, TestFrame.Varied(i));
            Assert.Equal(TestFrame.Varied(i), NativeLab.One(left));
            Assert.Equal(TestFrame.Varied(i), NativeLab.One(received));
            NativeLab.Send(left, TestFrame.Varied(-i));
            Assert.Equal(TestFrame.Varied(-i), NativeLab.One(sent));
            Assert.Equal(TestFrame.Varied(-i), NativeLab.One(right));
        }
        Assert.Empty(left.GetStatistics().Drops);
        // Nothing of the other direction, and nothing twice.
        foreach (NetmapPort monitor in (NetmapPort[])[received, sent])
            Assert.Equal(PollEvents.None, monitor.Poll(PollEvents.Receive, TimeSpan.Zero));
    }

    /// <summary>A zero-copy monitor gets the buffers themselves once the port has given them back, and the port goes on with others.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void AZeroCopyMonitorGetsWhatThePortGaveBack(NativeGear gear)
    {
        using NativePair pair = new(gear);
        (NetmapPort left, NetmapPort right) = pair;
        using NetmapPort monitor = pair.Lab.OpenLeft("/zr");
        for (int i = 0; i < Frames; i++)
        {
            NativeLab.Send(right, TestFrame.Varied(i));
            Assert.Equal(TestFrame.Varied(i), NativeLab.One(left));
            left.RxSync();
            Assert.Equal(TestFrame.Varied(i), NativeLab.One(monitor));
        }
        monitor.Dispose();
        NativeLab.Send(right, 7);
        Assert.Equal(TestFrame.Numbered(7, 60), NativeLab.One(left));
        Assert.Empty(left.GetStatistics().Drops);
    }

    /// <summary>The ends of a pipe share the port's memory: frames go from the wire into it and on without a copy.</summary>
    [Theory]
    [InlineData(NativeGear.Plain)]
    [InlineData(NativeGear.Auto)]
    public void FramesGoFromTheWireIntoAPipeByExchangingBuffers(NativeGear gear)
    {
        using NativePair pair = new(gear);
        (NetmapPort left, NetmapPort right) = pair;
        using NetmapPort master = pair.Lab.OpenLeft("{1");
        using NetmapPort slave = pair.Lab.OpenLeft("}1");
        Assert.Equal(left.Info.MemoryId, master.Info.MemoryId);
        for (int i = 0; i < Frames; i++)
        {
            NativeLab.Send(right, TestFrame.Varied(i));
            NativeLab.Forward(left, master);
            Assert.Equal(TestFrame.Varied(i), NativeLab.One(slave));
        }
        Assert.Empty(left.GetStatistics().Drops);
        Assert.Empty(slave.GetStatistics().Drops);
    }
}
