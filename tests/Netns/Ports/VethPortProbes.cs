
namespace Netmap.Tests.Netns.Ports;

public sealed class VethPortProbes : PortProbes
{
    private readonly VethLab _lab = new();

    protected override string Port => "v0";

    public override void Dispose()
    {
        base.Dispose();
        _lab.Dispose();
    }

    protected override void Here(Action probe) => _lab.Left.Run(probe);
}
