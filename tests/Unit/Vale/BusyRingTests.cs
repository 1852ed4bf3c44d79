using Netmap.Devices;
using Netmap.Interop;
using Netmap.Rings;
using Netmap.Vale;

namespace Netmap.Tests.Unit.Vale;

/// <summary>An interface on a switch whose ring another thread, a monitor's reader, is in.</summary>
public sealed class BusyRingTests
{
    /// <summary>That thread may find nothing and wake nobody: frames that come then would wait for whatever rings next.</summary>
    [Fact]
    public void TheInterfacesThreadLooksAgainSoon()
    {
        using SwitchLab lab = new();
        Assert.Equal(Errno.Success, lab.Attach("vale0:n0"));
        InterfacePort port = (InterfacePort)lab.Engine.Core.Switches.Find("vale0")!.Find("n0")!;
        KRing ring = port.Sources[0];
        // Its own thread goes to sleep first.
        Assert.True(SpinWait.SpinUntil(() => ring.TryEnter() == RingEntry.Entered, SwitchLab.Soon));
        Assert.True(port.Receive[0].PrepareWait(out DeviceWait beside));
        ring.Exit();
        Assert.InRange(beside.Retry, TimeSpan.Zero, TimeSpan.FromMilliseconds(1));
    }
}
