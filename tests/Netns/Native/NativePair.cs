namespace Netmap.Tests.Netns.Native;

/// <summary>A native port at each end of a veth pair.</summary>
internal sealed class NativePair : IDisposable
{
    public NativePair(NativeGear gear, int queues = 1, int mtu = 1500)
        : this(NativeLab.Create(gear, queues, mtu))
    {
    }

    /// <param name="lab">Taken over.</param>
    public NativePair(VethLab lab) => (Lab, Left, Right) = (lab, lab.OpenLeft(), lab.OpenRight());

    public VethLab Lab { get; }

    public NetmapPort Left { get; }

    public NetmapPort Right { get; }

    public void Deconstruct(out NetmapPort left, out NetmapPort right) => (left, right) = (Left, Right);

    public void Dispose()
    {
        Left.Dispose();
        Right.Dispose();
        Lab.Dispose();
    }
}
