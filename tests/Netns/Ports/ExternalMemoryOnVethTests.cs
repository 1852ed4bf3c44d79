using Microsoft.Win32.SafeHandles;
using Netmap.Tests.Netns.Native;

namespace Netmap.Tests.Netns.Ports;

/// <summary>Interfaces in memory that the program brings: the kernel writes frames into it where the port is native.</summary>
public sealed class ExternalMemoryOnVethTests
{
    private const long Size = 24 << 20;

    public ExternalMemoryOnVethTests() => Privileges.RequireBpf();

    [Theory]
    [InlineData(AdapterMode.Native, 2048, "native")]
    [InlineData(AdapterMode.Native, 4096, "native")]
    [InlineData(AdapterMode.Generic, 2048, "generic")]
    [InlineData(AdapterMode.Generic, 1600, "generic")]
    [InlineData(AdapterMode.Best, 1600, "generic")]
    public void BothEndsOfAVethPairInOneMemory(AdapterMode mode, int buffer, string adapter)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { AdapterMode = mode });
        using SafeFileHandle file = ExternalMemory.CreateFile(Size);
        NetmapPortOptions options = new() { ExternalMemory = new() { File = file, InterfaceCount = 4, RingCount = 8, BufferSize = buffer } };
        using (NetmapPort tx = lab.OpenLeft(options: options))
        {
            Assert.Equal((adapter, buffer), (tx.Info.Adapter, tx.TxRings[0].BufferSize));
            Assert.NotEqual(1, tx.Info.MemoryId);
            if (mode == AdapterMode.Best)
                Assert.Contains("1600", tx.Info.WhyNotNative);
            using NetmapPort rx = lab.OpenRight(options: options);
            Assert.Equal(tx.Info.MemoryId, rx.Info.MemoryId);
            Exchange(tx, rx);
            Exchange(rx, tx);
            byte[] contents = new byte[Size];
            Assert.Equal(Size, RandomAccess.Read(file, contents, 0));
            Assert.True(contents.AsSpan().IndexOf(TestFrame.Numbered(2999, 1400)) > 0);
        }
        // Back in the engine's own memory.
        using NetmapPort again = lab.OpenLeft();
        Assert.Equal(1, again.Info.MemoryId);
    }

    private static void Exchange(NetmapPort tx, NetmapPort rx)
    {
        for (int i = 0; i < 3000; i++)
        {
            NativeLab.Send(tx, i, i == 2999 ? 1400 : 60 + (i % 1300));
            Assert.Equal(TestFrame.Numbered(i, i == 2999 ? 1400 : 60 + (i % 1300)), NativeLab.One(rx));
        }
        Assert.Empty(tx.GetStatistics().Drops);
        Assert.Empty(rx.GetStatistics().Drops);
    }
}
