namespace Netmap.Tests.Unit.Control;

public sealed class MemoryPortProbes : PortProbes
{
    public MemoryPortProbes() => Engine.AddMemoryPair("m0", "m1");

    protected override string Port => "m0";
}
