using Netmap.Devices.Xdp;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Tests.Netns.Native;

/// <summary>Two native ports on the two ends of a veth pair.</summary>
public sealed class NativeOnVethTests
{
    public NativeOnVethTests() => Privileges.RequireBpf();

    /// <summary>
    /// veth has no zero-copy, and no driver here does: the kernel takes the memory as zero-copy wants it, and refuses at the
    /// last step, the driver. A port says what it has instead, and why.
    /// </summary>
    [Theory]
    [InlineData(2048)]
    [InlineData(4096)]
    public unsafe void MemoryForZeroCopyIsTakenAndTheDriverRefuses(int size)
    {
        using VethLab lab = NativeLab.Create(engine: NativeLab.Options with { NativeGear = NativeGear.Plain, BufferSize = size });
        using NetmapMemory memory = new(1, isPrivate: false, MemoryGeometry.Global(NativeLab.Options with { BufferSize = size }));
        memory.Activate();
        UmemLayout layout = new((nint)memory.Buffers, memory.Geometry.Buffers.Bytes, size);
        UmemArea area = layout.Direct!.Value;
        XskSetup setup = new()
        {
            InterfaceIndex = lab.Left.List().Single(link => link.Name == "v0").Index,
            Queue = 0,
            Memory = area,
            TxEntries = 64,
            RxEntries = 64,
        };
        foreach (ushort flags in (ushort[])[XskFlags.ZeroCopy, XskFlags.ZeroCopyScattered])
        {
            Errno error = default;
            XskStep failed = default;
            Assert.Null(lab.Left.Run(() => XskSocket.TryOpen(setup with { Flags = flags }, out error, out failed)));
            Assert.Equal((XskStep.Bind, Errno.EOPNOTSUPP), (failed, error));
        }
        // The same chunks, copied: a slot may be as long as said, and no longer.
        using (XskSocket copying = lab.Left.Run(() => XskSocket.TryOpen(setup with { Flags = XskFlags.Copy }, out _, out _))!)
        {
            foreach (int length in (int[])[area.FrameRoom, area.FrameRoom + 1])
            {
                copying.Tx.Write(0, new() { addr = layout.Start(5), len = (uint)length });
                copying.Tx.Submit(1);
                copying.Kick();
                Assert.Equal((ulong)(length - area.FrameRoom), copying.Statistics().tx_invalid_descs);
            }
        }
        using NetmapPort left = lab.OpenLeft();
        Assert.Contains("copy mode (the driver has no zero-copy)", left.Info.Mode);
    }

    [Fact]
    public void FramesCrossTheWireInOrder()
    {
        using VethLab lab = NativeLab.Create();
        using NetmapPort tx = lab.OpenLeft();
        using NetmapPort rx = lab.OpenRight();
        TestFrame.Cross(tx, rx, 5000);
        Assert.Equal(("native", "xdp"), (rx.Info.Adapter, rx.Info.Device));
        Assert.StartsWith("XDP sockets, copy mode (the driver has no zero-copy); XDP program in the driver", rx.Info.Mode);
        Assert.Equal([("tx", 0, 0), ("rx", 0, 0)], rx.Info.Queues.Select(queue => (queue.Direction, queue.Ring, queue.Queue!.Value)));
        Assert.All(rx.Info.Queues, queue => Assert.StartsWith("XDP, copy", queue.Mode));
        Assert.All(rx.Info.Queues, queue => Assert.True(queue.Socket > 0));
        Assert.Equal(["xdp", "tcx egress", "tcx ingress"], rx.Info.Programs.Take(3).Select(program => program.Hook));
        Assert.All(rx.Info.Programs, program => Assert.True(program is { ProgramId: > 0, LinkId: > 0 }));
        Assert.True(rx.Info.TakesFromHost);
    }
}
