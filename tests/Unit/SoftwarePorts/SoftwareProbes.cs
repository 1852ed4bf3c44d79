using Netmap.Interop;

namespace Netmap.Tests.Unit.SoftwarePorts;

/// <summary>Spec 15.1 and 15.2 on a port of a switch.</summary>
public sealed class ValeProbes : PrivateMemoryProbes
{
    protected override string Port => "vale0:1";

    // The memory is made with the port, large enough for what it asks; its room for pipes is not given away.
    protected override uint Granted(uint asked) => Math.Min(asked, 524288);
}

/// <summary>On a pipe whose parent does not exist.</summary>
public sealed class PipeProbes : PrivateMemoryProbes
{
    protected override string Port => "foo{1";

    protected override uint TailAfterFourBadSlots => 1023;

    protected override uint ModeWithoutRings => NetmapReq.NR_REG_ALL_NIC;

    // Private memory of 20482 buffers: 2 reserved, 1024 in each of two pairs of rings.
    protected override uint Granted(uint asked) => Math.Min(asked, 18432);
}

/// <summary>On a pipe whose parent is an interface.</summary>
public sealed class InterfacePipeProbes : PortProbes
{
    public InterfacePipeProbes() => Engine.AddMemoryPair("m0", "m1");

    protected override string Port => "m0}1";

    protected override ushort HostRings => 0;

    protected override uint TailAfterFourBadSlots => 1023;

    protected override uint ModeWithoutRings => NetmapReq.NR_REG_ALL_NIC;
}

/// <summary>Ports with no interface below them, in memory of their own.</summary>
public abstract class PrivateMemoryProbes : PortProbes
{
    protected override (ulong Bytes, ushort Id, uint Flags) Memory => (42369024, 2, 1);

    protected override (ulong Offset, uint Count, uint Size)[] Pools => [(0, 12, 1024), (12288, 20, 20480), (421888, 20482, 2048)];

    protected override ushort HostRings => 0;
}
