using Netmap.Cli.Bench;
using Netmap.Cli.Bench.Software;

namespace Netmap.Tests.Unit.Cli;

/// <summary>What a benchmark without interfaces says was lost.</summary>
public sealed class StageRunTests
{
    [Fact]
    public void AThreadThatReceivesAllThatItSendsLosesNothing()
    {
        for (int i = 0; i < 5; i++)
            Assert.Equal(0, Measure(received: 100).Loss);
    }

    [Fact]
    public void WhatAThreadSendsAndDoesNotReceiveIsLost() => Assert.Equal(0.1, Measure(received: 90).Loss, 0.001);

    /// <summary>One thread sends 100 frames and receives some of them, over and over.</summary>
    private static Round Measure(int received)
    {
        for (int i = 0; i < 50; i++)
        {
            Round round = StageRun.Measure([new ByTurns(new Sender(), new Receiver(received))], TimeSpan.FromMilliseconds(50));
            // Else the thread got no processor in the window.
            if (round.Mpps > 1)
                return round;
        }
        throw new InvalidOperationException("the thread never ran");
    }

    private sealed class Sender : Stage
    {
        public override int Step()
        {
            AddSent(100);
            return 100;
        }
    }

    private sealed class Receiver(int frames) : Stage
    {
        public override int Holds => 100;

        public override int Step() => frames;
    }
}
