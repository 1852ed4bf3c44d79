using HdrHistogram;
using Netmap.Cli.PktGen;

namespace Netmap.Tests.Unit.Cli;

/// <summary>What pkt-gen tells at the end.</summary>
public sealed class PktGenReportTests
{
    [Fact]
    public void EveryRoundTripIsInOneOctave()
    {
        LongHistogram times = new(10_000_000_000, 3);
        for (int i = 0; i < 60; i++)
            times.RecordValue(20_000);
        for (int i = 0; i < 5; i++)
            times.RecordValue(25_000);
        times.RecordValue(40_000);
        times.RecordValue(9_000_000);
        Assert.Equal([(16384, 65), (32768, 1), (8388608, 1)], PktGenReport.Octaves(times).Select(octave => (octave.Key, octave.Value)));
    }
}
