using Netmap.Vale;

namespace Netmap.Tests.Unit.Vale;

/// <summary>Stations stay known as long as the table has places for them, however alike their addresses are.</summary>
public sealed class ForwardingTableTests
{
    private const int Size = 8192;

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(40)]
    public void NeighbouringAddressesDoNotPushEachOtherOut(int firstBit)
    {
        ForwardingTable table = new(Size, age: 300);
        ulong[] stations = [.. Enumerable.Range(0, 100).Select(i => 2 | ((ulong)i << Math.Max(2, firstBit)))];
        for (int i = 0; i < stations.Length; i++)
            table.Learn(stations[i], port: i, now: 1);
        for (int i = 0; i < stations.Length; i++)
            Assert.Equal(i, table.Find(stations[i], now: 1));
    }

    [Fact]
    public void ATableOfOneBucketKeepsEightStations()
    {
        ForwardingTable table = new(1, age: 300);
        for (int i = 0; i < 8; i++)
            table.Learn(2 | ((ulong)i << 40), port: i, now: 1);
        for (int i = 0; i < 8; i++)
            Assert.Equal(i, table.Find(2 | ((ulong)i << 40), now: 1));
    }
}
